#include "sidecar/link/memory_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace postern::link {
namespace {

using record::MemoryBudget;
using record::Record;
using record::RecordPtr;

Record MakeRecord() {
  return {
      .metadata = {}, .origin = {.member = "gw1.example"}, .body = base::Bytes::Copy("0123456789")};
}

void Append(MemoryQueue& queue) {
  int answers = 0;
  queue.Append(MakeRecord(), 10,
               [&answers](const record::Answer& a) { answers += a.ok() ? 1 : 0; });
  EXPECT_EQ(answers, 1) << "kept at once";
}

constexpr record::StoreId kParent = {1};
constexpr record::StoreId kOther = {2};

class MemoryQueueTest : public testing::Test {
 protected:
  void Append(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      budget_.Force(10);
      postern::link::Append(queue_);
    }
  }
  void Send(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSERT_NE(queue_.Next(), nullptr);
      EXPECT_EQ(queue_.Next()->origin.sequence, queue_.next_sequence());
      queue_.Advance();
    }
  }

  MemoryBudget budget_{1'000'000};
  MemoryQueue queue_{record::StoreId{}, budget_};
};

TEST_F(MemoryQueueTest, IsEmptyAtFirst) {
  EXPECT_EQ(queue_.last_sequence(), 0U);
  EXPECT_EQ(queue_.next_sequence(), 1U);
  EXPECT_EQ(queue_.Next(), nullptr);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(MemoryQueueTest, TellsOfEachRecordOnceItIsThere) {
  std::vector<std::uint64_t> seen;
  queue_.OnReady([this, &seen] { seen.push_back(queue_.last_sequence()); });
  Append(3);
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3));
}

TEST_F(MemoryQueueTest, GivesMemoryBackOnlyForWhatIsAcknowledged) {
  Append(5);
  Send(4);
  EXPECT_EQ(budget_.used(), 50U);
  ASSERT_TRUE(queue_.Acknowledge(3));
  EXPECT_EQ(budget_.used(), 20U);
  EXPECT_EQ(queue_.size(), 2U);
  EXPECT_EQ(queue_.unsent_bytes(), 10U);
  EXPECT_EQ(queue_.next_sequence(), 5U) << "what is sent stays sent";
}

TEST_F(MemoryQueueTest, BearsTheSameAcknowledgementAgain) {
  Append(3);
  Send(3);
  ASSERT_TRUE(queue_.Acknowledge(2));
  EXPECT_TRUE(queue_.Acknowledge(2));
  EXPECT_TRUE(queue_.Acknowledge(1));
  EXPECT_TRUE(queue_.Acknowledge(0));
  EXPECT_EQ(queue_.size(), 1U);
}

TEST_F(MemoryQueueTest, RefusesAnAcknowledgementBeyondItsEnd) {
  Append(3);
  Send(3);
  EXPECT_FALSE(queue_.Acknowledge(4));
  EXPECT_FALSE(queue_.Acknowledge(~std::uint64_t{0}));
  EXPECT_EQ(queue_.size(), 3U);
}

TEST_F(MemoryQueueTest, LetsAWaiterForItsMemoryAppendAtOnce) {
  struct Appender final : MemoryBudget::Waiter {
    explicit Appender(MemoryQueue& to) : queue(to) {}
    void OnGranted() override { postern::link::Append(queue); }
    MemoryQueue& queue;
  } waiter(queue_);
  Append(2);
  Send(2);
  budget_.Force(budget_.total());
  budget_.Wait(10, waiter);
  ASSERT_TRUE(queue_.Acknowledge(2));
  EXPECT_EQ(queue_.size(), 0U);
  budget_.Give(budget_.total());
  EXPECT_EQ(queue_.size(), 1U);
}

// === a link begins: where sending goes on ===

TEST_F(MemoryQueueTest, GoesOnAfterTheMarkOrTheLowestUnacknowledged) {
  struct Case {
    const char* when;
    std::uint64_t acknowledged;
    std::uint64_t mark;
    std::uint64_t then_next;
  };
  const Case kCases[] = {
      {"a parent that knows nothing of us gets all that is unacknowledged", 2, 0, 3},
      {"a parent behind our acknowledgements (it lost its memory) gets no more than that", 4, 2, 5},
      {"the same parent goes on after its mark: acknowledgements were lost", 2, 5, 6},
      {"a mark equal to what was acknowledged", 4, 4, 5},
      {"a parent that has all gets the next new record", 2, 8, 9},
      {"a mark that was never assigned counts as all", 2, 1'000, 9},
      {"nothing was acknowledged and nothing came in", 0, 0, 1},
  };
  for (const Case& c : kCases) {
    MemoryBudget budget(1'000);
    MemoryQueue queue(record::StoreId{}, budget);
    for (std::uint64_t i = 1; i <= 8; ++i) {
      budget.Force(10);
      postern::link::Append(queue);
      queue.Advance();
    }
    ASSERT_TRUE(queue.Acknowledge(c.acknowledged)) << c.when;
    queue.StartAfter(c.mark, kParent);
    EXPECT_EQ(queue.next_sequence(), c.then_next) << c.when;
  }
}

TEST_F(MemoryQueueTest, FlagsOnlyWhatAnotherStoreWasSent) {
  Append(5);
  EXPECT_EQ(queue_.StartAfter(0, kParent), 0U);
  Send(3);
  EXPECT_EQ(queue_.StartAfter(1, kParent), 2U) << "the parent's mark keeps these from repeating";
  EXPECT_FALSE(queue_.next_may_repeat());
  EXPECT_EQ(queue_.StartAfter(0, kOther), 3U);
  EXPECT_TRUE(queue_.next_may_repeat());
  Send(3);
  EXPECT_FALSE(queue_.next_may_repeat()) << "never sent before";
}

TEST_F(MemoryQueueTest, LeavesARejectedRecordOut) {
  Append(5);
  Send(1);
  queue_.Reject();  // 2
  EXPECT_EQ(queue_.next_sequence(), 3U);
  EXPECT_EQ(budget_.used(), 40U);
  EXPECT_EQ(queue_.unsent_bytes(), 30U);
  queue_.StartAfter(0, kParent);
  Send(1);
  EXPECT_EQ(queue_.next_sequence(), 3U) << "skipped when sent again, too";
  Send(2);
  queue_.Reject();  // 5, the last
  EXPECT_EQ(queue_.Next(), nullptr);
  ASSERT_TRUE(queue_.Acknowledge(4));
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.last_sequence(), 5U);
  Append(1);
  queue_.Reject();
  EXPECT_TRUE(queue_.empty()) << "nothing before it waits";
  EXPECT_EQ(budget_.used(), 0U);
}

// The parent's mark says what came in, its acknowledgement what is kept or delivered: a parent that
// dies in between would take the records with it.
TEST_F(MemoryQueueTest, KeepsWhatTheParentHasSeenUntilItIsAcknowledged) {
  Append(5);
  Send(5);
  queue_.StartAfter(5, kParent);
  EXPECT_EQ(queue_.size(), 5U);
  queue_.StartAfter(0, kParent);  // the parent was restarted and has nothing
  EXPECT_EQ(queue_.next_sequence(), 1U);
  Send(5);
  ASSERT_TRUE(queue_.Acknowledge(5));
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(budget_.used(), 0U);
}

// === against a model: one parent after the other, links and acknowledgements lost at random ===

struct ModelParent {
  std::uint64_t mark = 0;                 // came in
  std::uint64_t done = 0;                 // delivered, to be acknowledged
  std::map<std::uint64_t, int> received;  // how often each record was sent here
};

TEST_F(MemoryQueueTest, LosesNothingAndRepeatsNothingToTheSameParentWhateverHappens) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    MemoryBudget budget(1'000'000);
    MemoryQueue queue(record::StoreId{}, budget);
    std::mt19937 random(seed);
    ModelParent parent;
    std::map<std::uint64_t, bool> delivered;
    const auto step = [&](unsigned what) {
      switch (what) {
        case 0:
        case 1:
          budget.Force(10);
          postern::link::Append(queue);
          break;
        case 2:
        case 3:  // sent and received
          if (const RecordPtr next = queue.Next()) {
            ASSERT_EQ(next->origin.sequence, queue.next_sequence());
            ASSERT_EQ(next->origin.sequence, parent.mark + 1) << "in order, without a gap";
            queue.Advance();
            parent.mark = next->origin.sequence;
            ++parent.received[parent.mark];
          }
          break;
        case 4:  // sent and lost with the link, which is made anew
          while (queue.Next() != nullptr && random() % 4 != 0) queue.Advance();
          queue.StartAfter(parent.mark, kParent);
          break;
        case 5:
          if (parent.done < parent.mark) delivered[++parent.done] = true;
          break;
        case 6: ASSERT_TRUE(queue.Acknowledge(parent.done)); break;
        default:  // another parent, or the same one without its memory
          parent = ModelParent{};
          queue.StartAfter(0, kParent);
          parent.mark = parent.done = queue.next_sequence() - 1;
          break;
      }
    };
    for (int i = 0; i < 2'000; ++i) {
      step(random() % (i % 100 == 99 ? 8 : 7));
      if (HasFatalFailure()) return;
      ASSERT_EQ(budget.used(), 10 * queue.size());
      for (const auto& [sequence, times] : parent.received) ASSERT_EQ(times, 1) << sequence;
    }
    queue.StartAfter(parent.mark, kParent);
    while (queue.Next() != nullptr) step(2);
    while (parent.done < parent.mark) step(5);
    step(6);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(budget.used(), 0U);
    EXPECT_EQ(delivered.size(), queue.last_sequence()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace postern::link
