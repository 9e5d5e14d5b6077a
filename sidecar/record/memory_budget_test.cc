#include "sidecar/record/memory_budget.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace postern::record {
namespace {

struct Recorder final : MemoryBudget::Waiter {
  Recorder(std::string& log, char name) : log_(log), name_(name) {}
  void OnGranted() override {
    log_ += name_;
    if (then) then();
  }
  std::function<void()> then;

 private:
  std::string& log_;
  char name_;
};

TEST(MemoryBudget, TakesWhatFits) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.TryTake(60));
  EXPECT_FALSE(budget.TryTake(41));
  EXPECT_TRUE(budget.TryTake(40));
  EXPECT_EQ(budget.free(), 0U);
}

TEST(MemoryBudget, BodyLargerThanEverythingGetsInAlone) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.TryTake(150));
  EXPECT_FALSE(budget.TryTake(1));
  budget.Give(150);
  EXPECT_TRUE(budget.TryTake(1));
}

TEST(MemoryBudget, SmallOnesDoNotOvertakeALargeOne) {
  MemoryBudget budget(100);
  std::string log;
  Recorder large(log, 'L');
  ASSERT_TRUE(budget.TryTake(60));
  budget.Wait(80, large);
  EXPECT_FALSE(budget.TryTake(10)) << "it would fit, but somebody waits";
  budget.Give(60);
  EXPECT_EQ(log, "L");
  EXPECT_EQ(budget.used(), 80U);
}

TEST(MemoryBudget, ServesInOrderAndOnlyWhoStillWaits) {
  MemoryBudget budget(100);
  std::string log;
  Recorder a(log, 'a');
  Recorder b(log, 'b');
  Recorder c(log, 'c');
  ASSERT_TRUE(budget.TryTake(100));
  budget.Wait(40, a);
  budget.Wait(40, b);
  budget.Wait(20, c);
  budget.StopWaiting(b);
  budget.Give(100);
  EXPECT_EQ(log, "ac");
  EXPECT_EQ(budget.used(), 60U);
}

TEST(MemoryBudget, WaiterThatLeavesUnblocksThoseBehind) {
  MemoryBudget budget(100);
  std::string log;
  Recorder large(log, 'L');
  Recorder small(log, 's');
  ASSERT_TRUE(budget.TryTake(60));
  budget.Wait(80, large);
  budget.Wait(10, small);
  budget.StopWaiting(large);
  EXPECT_EQ(log, "s");
}

TEST(MemoryBudget, WaiterMayGiveBackAtOnce) {
  MemoryBudget budget(100);
  std::string log;
  Recorder a(log, 'a');
  Recorder b(log, 'b');
  a.then = [&budget] { budget.Give(80); };
  ASSERT_TRUE(budget.TryTake(100));
  budget.Wait(80, a);
  budget.Wait(80, b);
  budget.Give(100);
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(budget.used(), 80U);
}

}  // namespace
}  // namespace postern::record
