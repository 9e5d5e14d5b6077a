#include "sidecar/store/abandonment.h"

#include <gmock/gmock.h>

#include "lib/base/testing/matchers.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class AbandonmentTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
  void Abandon() {
    abandonment_ = std::make_unique<Abandonment>(
        loop_, log_.logger(), *store_,
        [](const std::string& /*cursor*/, const record::Record& record) {
          return record.body.view() != "another's";
        });
    for (int i = 0; i < 50 && !abandonment_->done(); ++i) loop_.Advance(milliseconds(1));
    Sync();
  }
  ~AbandonmentTest() override { abandonment_.reset(); }

  std::unique_ptr<Abandonment> abandonment_;
};

TEST_F(AbandonmentTest, CountsAndTellsWhatNobodyReadsAnyMoreAndLetsItGo) {
  MakeReader("old");
  const auto uplink = MakeReader();
  Commit({"one", "another's", "three", "four"});
  auto old = MakeReader("old");
  const std::uint64_t first = old->Peek()->sequence;
  ASSERT_TRUE(old->Done(first + 1, first + 2));  // three
  old.reset();
  Abandon();
  EXPECT_TRUE(abandonment_->done());
  EXPECT_THAT(store_->Unread(), IsEmpty());
  EXPECT_EQ(metrics_.abandoned.value(), 2);
  EXPECT_THAT(Ledger(), ElementsAre("abandoned old 2"));
  EXPECT_EQ(log_.Count("queue has lost a reader: what was kept for it is abandoned"), 1U);
  EXPECT_THAT(Read(*uplink), ElementsAre("one", "another's", "three", "four"));
}

TEST_F(AbandonmentTest, TouchesNoCursorThatHasAReader) {
  const auto uplink = MakeReader();
  Commit({"one"});
  Abandon();
  EXPECT_TRUE(abandonment_->done());
  EXPECT_EQ(metrics_.abandoned.value(), 0);
  EXPECT_FALSE(uplink->AtEnd());
}

TEST_F(AbandonmentTest, TakesSeveralTurnsForMuchAndMakesRoom) {
  max_bytes_ = std::uint64_t{16} << 20;
  Open();
  MakeReader("old");
  MakeReader("older");
  for (int i = 0; i < 12; ++i) Commit({std::string(1'000'000, 'x')});
  const auto uplink = MakeReader();
  ASSERT_EQ(Read(*uplink).size(), 12U);
  ASSERT_TRUE(uplink->Done(0, uplink->position()));
  loop_.Advance(seconds(2));
  Sync();
  const std::uint64_t full = store_->bytes();
  Abandon();
  EXPECT_EQ(metrics_.abandoned.value(), 24) << "each for itself";
  loop_.Advance(seconds(2));
  Sync();
  EXPECT_LT(store_->bytes(), full);
}

TEST_F(AbandonmentTest, GoesOnAfterAKill) {
  MakeReader("old");
  for (int i = 0; i < 12; ++i) Commit({std::string(1'000'000, 'x')});
  abandonment_ = std::make_unique<Abandonment>(
      loop_, log_.logger(), *store_,
      [](const std::string& /*cursor*/, const record::Record& /*record*/) { return true; });
  loop_.Advance(milliseconds(1));
  ASSERT_FALSE(abandonment_->done());
  const double before = metrics_.abandoned.value();
  EXPECT_GT(before, 0);
  abandonment_.reset();
  Open();
  EXPECT_THAT(store_->Unread(), ElementsAre("old"));
  Abandon();
  EXPECT_TRUE(abandonment_->done());
  EXPECT_EQ(metrics_.abandoned.value(), 12) << "none twice";
  abandonment_.reset();
  Open();
  EXPECT_THAT(store_->Unread(), IsEmpty());
}

TEST_F(AbandonmentTest, LeavesWhatComesLaterToWhoIsThere) {
  MakeReader("old");
  const auto uplink = MakeReader();
  Commit({"one"});
  abandonment_ = std::make_unique<Abandonment>(
      loop_, log_.logger(), *store_,
      [](const std::string& /*cursor*/, const record::Record& /*record*/) { return true; });
  Commit({"two"});
  for (int i = 0; i < 3; ++i) loop_.Advance(seconds(1));
  EXPECT_TRUE(abandonment_->done());
  EXPECT_THAT(Read(*uplink), ElementsAre("one", "two"));
}

}  // namespace
}  // namespace postern::store
