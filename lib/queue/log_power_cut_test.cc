// Random histories of a log on a disk that loses power at each of its changes in turn. After each
// opening: every committed record is there, in order, once; what was never confirmed stands at the
// end or nowhere; marks are those of the records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/testing/fake_clock.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/faulty_storage.h"
#include "lib/queue/log.h"
#include "lib/queue/log_reader.h"

namespace postern::queue {
namespace {

using fs::FaultyStorage;
using fs::Unsynced;

const char* const kCursor = "uplink";

// One history and what it must have left.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {}

  FaultyStorage& disk() { return disk_; }
  int openings() const { return openings_; }
  int removals() const { return removals_; }

  // False where the disk lost its power.
  bool Run(int steps) {
    for (int i = 0; i < steps && disk_.power(); ++i) {
      if (log_ == nullptr) {
        if (!Open()) break;
        continue;
      }
      Step();
      if (testing::Test::HasFatalFailure()) return false;
    }
    return disk_.power();
  }

  void KillProcess() {
    log_.reset();
    disk_.KillProcess();
  }

  // Opens what a power cut left, and holds it to the promise.
  void PowerOn(Unsynced unsynced, std::uint64_t seed) {
    log_.reset();
    disk_.PowerOn(unsynced, seed);
    ASSERT_TRUE(Open()) << "the disk has power";
  }

 private:
  struct Record {
    std::uint64_t sequence;
    std::string text;
    std::optional<Hop> hop;
  };

  std::size_t Random(std::size_t below) { return random_() % below; }

  void Step() {
    switch (Random(12)) {
      case 0:
      case 1:
      case 2:
      case 3: return Append();
      case 4:
      case 5:
      case 6: return Commit();
      case 7:
      case 8: return MarkDone();
      case 9: return clock_.Advance(std::chrono::milliseconds(Random(1500)));
      case 10: return Fail();
      default: KillProcess();
    }
  }

  void Append() {
    for (std::size_t left = 1 + Random(3); left > 0; --left) {
      Entry entry;
      std::string text = "record " + std::to_string(++texts_) + std::string(Random(400), '.');
      entry.head = text.substr(0, 4);
      entry.body = base::Bytes::Copy(text.substr(4));
      if (const std::size_t sender = Random(3); sender > 0) {
        const Sender from{.member = "child" + std::to_string(sender), .store = {9}};
        entry.hop = Hop{.sender = from, .sequence = next_[from] + 1 + Random(2), .crc = 5};
      }
      const std::optional<Hop> hop = entry.hop;
      const auto sequence = log_->Append(std::move(entry));
      if (!sequence) return;  // full
      if (hop) next_[hop->sender] = hop->sequence;
      pending_.push_back({*sequence, std::move(text), hop});
    }
  }

  void Commit() {
    const std::size_t segments = log_->segments();
    const Applied applied = log_->Commit();
    if (log_->segments() < segments) ++removals_;
    if (!applied.records) {
      // Refused: it may have reached the disk all the same, if nothing is committed after it.
      unsure_.push_back(std::move(pending_));
      pending_.clear();
      next_ = MarksOf(kept_);
      return;
    }
    if (pending_.empty()) return;
    ASSERT_EQ(applied.through, pending_.back().sequence);
    for (Record& record : pending_) kept_.push_back(std::move(record));
    pending_.clear();
    unsure_.clear();
  }

  void MarkDone() {
    if (kept_.empty()) return;
    const std::uint64_t through = kept_[Random(kept_.size())].sequence;
    const std::uint64_t floor = log_->cursors().Find(kCursor)->floor;
    if (through <= floor) return;
    ASSERT_THAT(log_->MarkDone(kCursor, floor, through), base::IsOk());
    floors_.insert(through);
  }

  void Fail() {
    const char* const part = Random(2) == 0 ? ".log" : "";
    if (Random(2) == 0) {
      disk_.FailSyncs(static_cast<int>(1 + Random(2)), part);
    } else {
      disk_.FailWrites(static_cast<int>(1 + Random(2)), part);
    }
  }

  bool Open() {
    log_.reset();
    auto log = Log::Open(disk_, {.folder = "queue", .max_bytes = 16 * 1024, .segment_bytes = 1536},
                         clock_);
    if (!log) return false;
    log_ = *std::move(log);
    ++openings_;
    pending_.clear();
    Check();
    if (!log_->AddCursor(kCursor)) return false;
    floors_.insert(log_->cursors().Find(kCursor)->floor);
    return true;
  }

  void Check() {
    const Cursor* const cursor = log_->cursors().Find(kCursor);
    const std::uint64_t floor = cursor == nullptr ? 0 : cursor->floor;
    EXPECT_TRUE(floor == 0 || floors_.contains(floor)) << "nobody said so: " << floor;
    EXPECT_TRUE(log_->report().damages.empty()) << "a power cut damages nothing";
    EXPECT_FALSE(log_->report().lost_checkpoint);
    if (openings_ == 1) store_ = log_->store();
    EXPECT_EQ(log_->store(), store_);

    const std::vector<StoredEntry> found = ReadAll(floor);
    std::vector<const Record*> expected;
    for (const Record& record : kept_) {
      if (record.sequence > floor) expected.push_back(&record);
    }
    ASSERT_GE(found.size(), expected.size()) << "a committed record is lost";
    for (std::size_t i = 0; i < expected.size(); ++i) ExpectSame(found[i], *expected[i]);
    KeepUnsure({found.begin() + static_cast<long>(expected.size()), found.end()});
    next_ = MarksOf(kept_);
    for (const auto& [sender, sequence] : next_) {
      EXPECT_EQ(log_->SyncedMark(sender).sequence, sequence) << sender.member;
    }
  }

  // What is there beyond the committed is one group that was refused, whole. From now on it counts.
  void KeepUnsure(const std::vector<StoredEntry>& found) {
    const auto is_it = [&found](const std::vector<Record>& group) {
      return group.size() == found.size() && group.front().sequence == found.front().sequence;
    };
    if (!found.empty()) {
      const auto group = std::find_if(unsure_.begin(), unsure_.end(), is_it);
      ASSERT_NE(group, unsure_.end()) << "nobody wrote sequence " << found.front().sequence;
      for (std::size_t i = 0; i < found.size(); ++i) ExpectSame(found[i], (*group)[i]);
      kept_.insert(kept_.end(), group->begin(), group->end());
    }
    unsure_.clear();
  }

  static void ExpectSame(const StoredEntry& found, const Record& record) {
    ASSERT_EQ(found.sequence, record.sequence);
    ASSERT_EQ(found.body.view(), record.text);
    ASSERT_EQ(found.hop, record.hop);
  }

  static std::map<Sender, std::uint64_t> MarksOf(const std::vector<Record>& records) {
    std::map<Sender, std::uint64_t> marks;
    for (const Record& record : records) {
      if (record.hop) marks[record.hop->sender] = record.hop->sequence;
    }
    return marks;
  }

  std::vector<StoredEntry> ReadAll(std::uint64_t after) {
    LogReader reader(*log_);
    std::vector<StoredEntry> all;
    for (;;) {
      const auto entries = reader.Read(after);
      EXPECT_THAT(entries, base::IsOk());
      EXPECT_TRUE(reader.TakeDamages().empty()) << "nor what the opening leaves unread";
      if (!entries || entries->empty()) return all;
      after = entries->back().sequence;
      all.insert(all.end(), entries->begin(), entries->end());
    }
  }

  std::mt19937_64 random_;
  FaultyStorage disk_;
  base::FakeClock clock_;
  std::unique_ptr<Log> log_;
  StoreId store_{};
  int texts_ = 0;
  int openings_ = 0;
  int removals_ = 0;
  std::vector<Record> kept_;                 // confirmed, or found by an opening
  std::vector<Record> pending_;              // appended
  std::vector<std::vector<Record>> unsure_;  // groups that were refused or cut off
  std::map<Sender, std::uint64_t> next_;
  std::set<std::uint64_t> floors_;
};

constexpr int kSteps = 150;

int ChangesOf(std::uint64_t seed, int& removals) {
  History history(seed);
  EXPECT_TRUE(history.Run(kSteps));
  removals += history.removals();
  return history.disk().changes();
}

TEST(LogPowerCut, LosesNothingOverKillsAndFailuresOfTheDisk) {
  int openings = 0;
  for (std::uint64_t seed = 1000; seed < 1150; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    History history(seed);
    ASSERT_TRUE(history.Run(kSteps));
    history.KillProcess();
    ASSERT_TRUE(history.Run(kSteps));
    history.PowerOn(Unsynced::kTorn, seed);
    if (testing::Test::HasFailure()) return;
    openings += history.openings();
  }
  EXPECT_GT(openings, 500);
}

TEST(LogPowerCut, LosesNothingThatWasCommittedWhereverThePowerGoes) {
  int removals = 0;
  int cuts = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const int changes = ChangesOf(seed, removals);
    cuts += changes;
    for (int cut = 1; cut <= changes; ++cut) {
      for (const Unsynced unsynced : {Unsynced::kLost, Unsynced::kTorn}) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", cut at change " << cut
                                        << (unsynced == Unsynced::kTorn ? ", torn" : ", lost"));
        History history(seed);
        history.disk().CutPowerAt(cut);
        ASSERT_FALSE(history.Run(kSteps));
        history.PowerOn(unsynced, seed * 1000 + static_cast<std::uint64_t>(cut));
        if (testing::Test::HasFailure()) return;
        history.Run(25);
        history.PowerOn(unsynced, seed);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
  EXPECT_GT(cuts, 200);
  EXPECT_GT(removals, 0) << "the histories get to removing segments";
}

}  // namespace
}  // namespace postern::queue
