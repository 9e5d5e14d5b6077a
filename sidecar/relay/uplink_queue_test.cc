#include "sidecar/relay/uplink_queue.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "lib/base/crc32c.h"
#include "lib/base/testing/matchers.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::relay {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr record::StoreId kParent = {1};
constexpr record::StoreId kOther = {2};

class UplinkQueueTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    Open();
    OpenLetters();
    MakeQueue();
  }
  ~UplinkQueueTest() override { queue_.reset(); }

  void MakeQueue() {
    auto made = UplinkQueue::Make(*store_, *letters_);
    ASSERT_TRUE(made);
    queue_ = *std::move(made);
  }
  void Restart() {
    queue_.reset();
    Open();
    MakeQueue();
  }
  // Appends records "1", "2", … and syncs them; returns their sequences.
  std::vector<std::uint64_t> Keep(int count) {
    std::vector<std::uint64_t> sequences;
    for (int i = 1; i <= count; ++i) sequences.push_back(*Append(std::to_string(i)));
    Sync();
    return sequences;
  }
  std::vector<std::string> Send(std::size_t most = 1000) {
    std::vector<std::string> bodies;
    for (record::RecordPtr next = queue_->Next(); next != nullptr && bodies.size() < most;
         next = queue_->Next()) {
      bodies.emplace_back(next->body.view());
      queue_->Advance();
    }
    return bodies;
  }

  std::unique_ptr<UplinkQueue> queue_;
};

TEST_F(UplinkQueueTest, SendsOnlyWhatIsSynced) {
  int told = 0;
  queue_->OnReady([&told] { ++told; });
  ASSERT_TRUE(Append("1"));
  loop_.RunUntilIdle();
  EXPECT_EQ(queue_->Next(), nullptr);
  Sync();
  EXPECT_GE(told, 1);
  EXPECT_THAT(Send(), ElementsAre("1"));
}

TEST_F(UplinkQueueTest, IsEmptyOnceAllIsAcknowledged) {
  const auto sent = Keep(3);
  EXPECT_THAT(Send(), ElementsAre("1", "2", "3"));
  EXPECT_FALSE(queue_->empty());
  ASSERT_TRUE(queue_->Acknowledge(sent[1]));
  EXPECT_FALSE(queue_->empty());
  ASSERT_TRUE(queue_->Acknowledge(sent[1])) << "the same again";
  ASSERT_TRUE(queue_->Acknowledge(sent[2]));
  EXPECT_TRUE(queue_->empty());
}

TEST_F(UplinkQueueTest, RefusesAnAcknowledgementOfWhatWasNeverSent) {
  const auto sent = Keep(3);
  Send(2);
  EXPECT_FALSE(queue_->Acknowledge(sent[2]));
  EXPECT_FALSE(queue_->Acknowledge(~std::uint64_t{0}));
  EXPECT_TRUE(queue_->Acknowledge(sent[1]));
}

TEST_F(UplinkQueueTest, GoesOnAfterTheMarkOrTheLowestUnacknowledged) {
  const auto sent = Keep(5);
  Send();
  ASSERT_TRUE(queue_->Acknowledge(sent[1]));
  queue_->StartAfter(0, kParent);
  EXPECT_THAT(Send(1), ElementsAre("3")) << "a parent that knows nothing of us";
  queue_->StartAfter(sent[3], kParent);
  EXPECT_THAT(Send(), ElementsAre("5")) << "a parent whose acknowledgements were lost";
  queue_->StartAfter(sent[4], kParent);
  EXPECT_THAT(Send(), IsEmpty());
  queue_->StartAfter(0, kOther);
  EXPECT_THAT(Send(), ElementsAre("3", "4", "5")) << "nothing left before it was acknowledged";
}

TEST_F(UplinkQueueTest, FlagsOnlyWhatAnotherStoreWasSent) {
  const auto sent = Keep(3);
  queue_->StartAfter(0, kParent);
  EXPECT_FALSE(queue_->next_was_sent());
  Send(2);
  queue_->StartAfter(0, kParent);
  EXPECT_TRUE(queue_->next_was_sent());
  EXPECT_FALSE(queue_->next_may_repeat()) << "this parent's mark keeps these from repeating";
  Send(2);
  Sync();
  EXPECT_THAT(Ledger(), IsEmpty());
  queue_->StartAfter(0, kOther);
  EXPECT_TRUE(queue_->next_may_repeat());
  Send(2);
  EXPECT_FALSE(queue_->next_may_repeat()) << "never sent before";
  Send(1);
  Sync();
  EXPECT_THAT(Ledger(), ElementsAre("resent uplink 2"));
}

TEST_F(UplinkQueueTest, FlagsAfterARestartWhatAProcessBeforeMayHaveSent) {
  const auto before = Keep(2);
  Restart();
  queue_->StartAfter(0, kParent);
  EXPECT_TRUE(queue_->next_may_repeat());
  Send();
  Keep(1);
  EXPECT_FALSE(queue_->next_may_repeat());
  EXPECT_TRUE(queue_->Acknowledge(before[1])) << "sent before the restart, perhaps";
}

TEST_F(UplinkQueueTest, KeepsWhatIsNotAcknowledgedOverARestart) {
  const auto sent = Keep(4);
  Send();
  ASSERT_TRUE(queue_->Acknowledge(sent[1]));
  Restart();
  queue_->StartAfter(0, kParent);
  EXPECT_THAT(Send(), ElementsAre("3", "4"));
}

TEST_F(UplinkQueueTest, LeavesARejectedRecordOut) {
  const auto sent = Keep(4);
  Send(1);
  queue_->Reject("too large");  // 2
  Sync();
  EXPECT_EQ(metrics_.rejected.value(), 1);
  EXPECT_THAT(Ledger(), ElementsAre("rejected uplink 1"));
  EXPECT_THAT(Letters(), ElementsAre("uplink: too large|2"));
  EXPECT_THAT(Send(1), ElementsAre("3"));
  queue_->StartAfter(0, kOther);
  EXPECT_THAT(Send(), ElementsAre("1", "3", "4")) << "it has left, whoever asks";
  EXPECT_EQ(metrics_.rejected.value(), 1);
  ASSERT_TRUE(queue_->Acknowledge(sent[3]));
  EXPECT_TRUE(queue_->empty());
}

TEST_F(UplinkQueueTest, HoldsARejectedRecordUntilItsLetterIsSynced) {
  int told = 0;
  queue_->OnReady([&told] { ++told; });
  letters_disk_.FailSyncs(1, ".log");
  Keep(4);
  Send(1);
  queue_->Reject("too large");  // 2
  Sync();
  told = 0;
  EXPECT_THAT(Send(), IsEmpty()) << "in order";
  queue_->GoBack();
  queue_->StartAfter(0, kOther);
  EXPECT_THAT(Send(), ElementsAre("1")) << "and the next link does not judge it again";
  EXPECT_EQ(metrics_.rejected.value(), 0);
  loop_.Advance(std::chrono::seconds(6));
  Sync();
  EXPECT_GE(told, 1);
  EXPECT_THAT(Send(), ElementsAre("3", "4"));
  EXPECT_EQ(metrics_.rejected.value(), 1);
  EXPECT_THAT(Ledger(), ElementsAre("resent uplink 1", "rejected uplink 1"));
  EXPECT_THAT(Letters(), ElementsAre("uplink: too large|2"));
}

TEST_F(UplinkQueueTest, DropsARejectedRecordWhereverTheLinkStandsMeanwhile) {
  const auto sent = Keep(3);
  Send(1);
  queue_->Reject("too large");  // 2
  queue_->GoBack();
  Sync();
  EXPECT_THAT(Send(), ElementsAre("1", "3"));
  EXPECT_THAT(Letters(), ElementsAre("uplink: too large|2"));
  ASSERT_TRUE(queue_->Acknowledge(sent[2]));
  EXPECT_TRUE(queue_->empty());
}

// A power cut at each change of either disk: the letter is there, or the record is still the next.
TEST_F(UplinkQueueTest, LosesNoRejectedRecordToAPowerCut) {
  for (int cut = 1; cut < 24; ++cut) {
    const std::string body = "rejected " + std::to_string(cut);
    ASSERT_TRUE(Append(body));
    Sync();
    ASSERT_NE(queue_->Next(), nullptr);
    (cut % 2 == 0 ? disk_ : letters_disk_).CutPowerAt(cut / 2 + 1);
    queue_->Reject("too large");
    Sync();
    loop_.Advance(std::chrono::seconds(2));
    Sync();
    queue_.reset();
    store_.reset();
    letters_.reset();
    disk_.PowerOn(fs::Unsynced::kLost);
    letters_disk_.PowerOn(fs::Unsynced::kLost);
    Open();
    OpenLetters();
    MakeQueue();
    Sync();
    const record::RecordPtr next = queue_->Next();
    const bool waits = next != nullptr && next->body.view() == body;
    const std::vector<std::string> letters = Letters();
    EXPECT_TRUE(waits || std::find(letters.begin(), letters.end(), "uplink: too large|" + body) !=
                             letters.end())
        << cut;
    if (!waits) continue;
    const std::uint64_t sequence = queue_->next_sequence();
    queue_->Advance();
    ASSERT_TRUE(queue_->Acknowledge(sequence));
  }
}

// === age ===

TEST_F(UplinkQueueTest, DropsWhatIsTooOld) {
  max_age_ = std::chrono::seconds(60);
  Restart();
  const auto sent = Keep(3);
  queue_->StartAfter(0, kParent);
  EXPECT_THAT(Send(1), ElementsAre("1"));
  loop_.Advance(std::chrono::seconds(62));
  Sync();
  EXPECT_EQ(metrics_.expired.value(), 2) << "whether a link asks or not; 1 is on its way";
  EXPECT_THAT(Ledger(), ElementsAre("expired uplink 2"));
  Keep(1);
  EXPECT_THAT(Send(), ElementsAre("1"));
  ASSERT_TRUE(queue_->Acknowledge(sent[0]));
  queue_->StartAfter(0, kParent);
  EXPECT_THAT(Send(), ElementsAre("1")) << "the fourth";
  ASSERT_TRUE(queue_->Acknowledge(store_->last_sequence()));
  EXPECT_TRUE(queue_->empty());
  EXPECT_EQ(metrics_.expired.value(), 2);
}

TEST_F(UplinkQueueTest, DropsTooWhatWasOnItsWayOnceNoLinkIsLeft) {
  max_age_ = std::chrono::seconds(60);
  Restart();
  Keep(3);
  queue_->StartAfter(0, kParent);
  EXPECT_EQ(Send().size(), 3U);
  loop_.Advance(std::chrono::seconds(62));
  EXPECT_EQ(metrics_.expired.value(), 0);
  queue_->GoBack();
  loop_.Advance(std::chrono::seconds(2));
  EXPECT_EQ(metrics_.expired.value(), 3);
  EXPECT_TRUE(queue_->empty());
}

// === the folder is an older copy of itself ===

TEST_F(UplinkQueueTest, TakesANewIdWhereAParentKeepsWhatItNeverHad) {
  const auto sent = Keep(2);
  const record::StoreId former = queue_->store();
  ASSERT_TRUE(Append("on its way to the disk"));
  loop_.RunUntilIdle();
  EXPECT_THAT(queue_->CheckMark({.sequence = sent[1] + 1000, .crc = 1}), HasCode(Code::kConflict));
  EXPECT_NE(queue_->store(), former);
  EXPECT_THAT(queue_->CheckMark({}), IsOk());
  queue_->StartAfter(0, kParent);
  Sync();
  EXPECT_THAT(Send(), ElementsAre("1", "2", "on its way to the disk"));
  EXPECT_THAT(answers_, ElementsAre(IsOk(), IsOk(), IsOk()));
}

TEST_F(UplinkQueueTest, TakesANewIdWhereAParentKeepsAnotherRecordOfThatNumber) {
  const auto sent = Keep(3);
  const record::StoreId former = queue_->store();
  queue_->StartAfter(0, kParent);
  Send(1);
  EXPECT_THAT(queue_->CheckMark({.sequence = sent[1], .crc = base::Crc32c("2")}), IsOk());
  EXPECT_EQ(queue_->store(), former);
  EXPECT_THAT(Send(1), ElementsAre("2")) << "a link that carries is not disturbed";
  EXPECT_THAT(queue_->CheckMark({.sequence = sent[1], .crc = base::Crc32c("other")}),
              HasCode(Code::kConflict));
  EXPECT_NE(queue_->store(), former);
}

// An older copy that was opened twice: its last number is above the parent's mark again.
TEST_F(UplinkQueueTest, TakesANewIdWhereTheRecordOfTheMarkIsMissing) {
  const auto sent = Keep(2);
  Restart();
  ASSERT_GT(Keep(1)[0], sent[1] + 1);
  const record::StoreId former = queue_->store();
  EXPECT_THAT(queue_->CheckMark({.sequence = sent[1] + 1, .crc = 1}), HasCode(Code::kConflict));
  EXPECT_NE(queue_->store(), former);
}

// === the log is damaged ===

TEST_F(UplinkQueueTest, BelievesAnAcknowledgementOfWhatTheCursorSaysAndTheLogHasLost) {
  const auto sent = Keep(2);
  Send();
  ASSERT_TRUE(queue_->Acknowledge(sent[1]));
  loop_.Advance(std::chrono::seconds(2));  // the cursor is synced
  Sync();
  queue_.reset();
  store_.reset();
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto folder, disk_.OpenFolder("queue"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto names, folder->List());
  for (const std::string& name : names) {
    if (!name.ends_with(".log")) continue;
    ASSERT_THAT(folder->Remove(name), IsOk());
  }
  Open();
  MakeQueue();
  EXPECT_THAT(queue_->CheckMark({.sequence = sent[1], .crc = base::Crc32c("2")}), IsOk());
  queue_->StartAfter(sent[1], kParent);
  EXPECT_TRUE(queue_->Acknowledge(sent[1])) << "else the link ends, and the next one, and the next";
  Keep(1);
  EXPECT_THAT(Send(), ElementsAre("1"));
}

TEST_F(UplinkQueueTest, IsEmptyOnceAllIsAcknowledgedButWhatIsDamaged) {
  const auto sent = Keep(1);
  ASSERT_TRUE(Append(std::string(1000, 'x')));
  Sync();
  Restart();
  SpoilTail();
  EXPECT_THAT(Send(), ElementsAre("1"));
  EXPECT_FALSE(queue_->empty());
  ASSERT_TRUE(queue_->Acknowledge(sent[0]));
  EXPECT_TRUE(queue_->empty()) << "a drain comes to its end";
}

// === against a model: parents, links, acknowledgements and processes lost at random ===

TEST_F(UplinkQueueTest, LosesNothingAndRepeatsNothingToTheSameParentWhateverHappens) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    queue_.reset();
    store_.reset();
    disk_ = fs::FaultyStorage();
    Open();
    MakeQueue();
    std::mt19937 random(seed);
    std::map<std::string, int> at_parent;  // how often each body came
    std::uint64_t mark = 0;                // what the parent keeps
    int appended = 0;
    queue_->StartAfter(0, kParent);
    const auto receive = [&](std::size_t most) {
      for (std::size_t n = 0; n < most && queue_->Next() != nullptr; ++n) {
        ASSERT_GT(queue_->next_sequence(), mark) << "in order";
        ++at_parent[std::string(queue_->Next()->body.view())];
        mark = queue_->next_sequence();
        queue_->Advance();
      }
    };
    for (int step = 0; step < 400; ++step) {
      switch (random() % 7) {
        case 0:
        case 1: ASSERT_TRUE(Append(std::to_string(++appended))); break;
        case 2: Sync(); break;
        case 3: receive(random() % 5); break;
        case 4:  // sent and lost with the link, which is made anew
          Send(random() % 4);
          queue_->StartAfter(mark, kParent);
          break;
        case 5: ASSERT_TRUE(queue_->Acknowledge(mark)); break;
        default:
          if (random() % 8 != 0) break;
          Restart();
          queue_->StartAfter(mark, kParent);
      }
      if (HasFatalFailure()) return;
    }
    Sync();
    receive(100'000);
    ASSERT_TRUE(queue_->Acknowledge(mark));
    EXPECT_TRUE(queue_->empty());
    EXPECT_EQ(at_parent.size(), static_cast<std::size_t>(appended)) << "none lost";
    for (const auto& [body, times] : at_parent) EXPECT_EQ(times, 1) << body;
  }
}

}  // namespace
}  // namespace postern::relay
