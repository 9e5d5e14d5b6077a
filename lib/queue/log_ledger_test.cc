// What a policy takes out of a log: that the ledger has it before the cursor says so, on a disk
// that is full, fails or loses its power; what eviction takes; and how old records and marks are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/queue/testing/log_fixture.h"

namespace postern::queue {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using fs::FaultyStorage;
using fs::Unsynced;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;

class LogLedger : public LogFixture {
 protected:
  void SetUp() override {
    Open();
    Commit({"one", "two", "three"});
    ASSERT_THAT(log_->AddCursor("a"), IsOk());
    clock_.Advance(2s);
    ASSERT_THAT(log_->Commit().cursors, IsOk());
    first_ = ReadAll().front().sequence;
  }
  void CutPower() {
    disk_.PowerOn(Unsynced::kLost);
    Open();
  }
  std::vector<LedgerEntry> Entries() {
    const auto file = (*disk_.OpenFolder("queue"))->Open("ledger");
    CHECK(file, "the ledger is there");
    std::string bytes(*(*file)->Size(), '\0');
    CHECK(fs::ReadExactly(**file, 0, bytes), "it can be read");
    return ParseLedger(bytes);
  }
  std::uint64_t Floor() const { return log_->cursors().Find("a")->floor; }
  // Drops records [from, from + count) of those that SetUp committed, counted from 0.
  base::Status Drop(std::uint64_t from, std::uint64_t count, Reason reason = Reason::kExpired) {
    const std::uint64_t after = first_ - 1 + from;
    return log_->Drop("a", after, after + count, reason, count, 3 * count);
  }

  std::uint64_t first_ = 0;  // sequence
};

// === dropped ===

TEST_F(LogLedger, HasWhatWasDroppedAndTheCursorIsAboveIt) {
  ASSERT_THAT(Drop(0, 2), IsOk());
  EXPECT_THAT(log_->Commit().ledger, IsOk());
  clock_.Advance(2s);
  log_->Commit();
  CutPower();
  EXPECT_EQ(Floor(), first_ + 1);
  const std::uint64_t wall = 1'800'000'002'000;
  EXPECT_THAT(Entries(), ElementsAre(LedgerEntry{.number = 1,
                                                 .wall = wall,
                                                 .reason = Reason::kExpired,
                                                 .reader = "a",
                                                 .after = first_ - 1,
                                                 .through = first_ + 1,
                                                 .records = 2,
                                                 .bytes = 6}));
  ASSERT_THAT(Drop(2, 1), IsOk());
  log_->Commit();
  EXPECT_THAT(Entries(), ElementsAre(Field(&LedgerEntry::records, 3))) << "over a restart, too";
}

TEST_F(LogLedger, SyncsAnEntryInTheWorkThatMovesTheCursor) {
  ASSERT_THAT(Drop(0, 1), IsOk());
  const std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work);
  EXPECT_TRUE(work->cursors);
  EXPECT_THAT(work->ledger, SizeIs(1));
  const Applied applied = log_->Apply(log_->writer().Do(*work));
  EXPECT_THAT(applied.cursors, IsOk());
  CutPower();
  EXPECT_THAT(Entries(), SizeIs(1)) << "though the cursors were written only";
  EXPECT_LT(Floor(), first_);
}

TEST_F(LogLedger, LeavesTheCursorWhereTheLedgerCannotBeWritten) {
  for (const bool sync : {true, false}) {
    sync ? disk_.FailSyncs(1, "ledger") : disk_.FailWrites(1, "ledger");
    ASSERT_THAT(Drop(0, 1), IsOk());
    const Applied applied = log_->Commit();
    EXPECT_THAT(applied.ledger, HasCode(Code::kUnavailable));
    EXPECT_THAT(applied.cursors, HasCode(Code::kUnavailable));
    disk_.KillProcess();
    Open();
    EXPECT_LT(Floor(), first_) << "not even in the cache";
  }
}

TEST_F(LogLedger, KeepsWhatAnEntryHeldWhereItGrowsIntoATornWriteAndAKill) {
  ASSERT_THAT(Drop(0, 1), IsOk());
  ASSERT_THAT(log_->Commit().ledger, IsOk());
  for (std::uint64_t i = 1; i <= 2; ++i) {
    disk_.FailWrites(1, "ledger");
    ASSERT_THAT(Drop(i, 1), IsOk());
    ASSERT_THAT(log_->Commit().ledger, HasCode(Code::kUnavailable));
    disk_.KillProcess();
    Open();
    EXPECT_THAT(Entries(), ElementsAre(Field(&LedgerEntry::records, i)));
    ASSERT_THAT(Drop(i, 1), IsOk()) << "it is named again";
    ASSERT_THAT(log_->Commit().ledger, IsOk());
    EXPECT_THAT(Entries(), ElementsAre(Field(&LedgerEntry::records, i + 1)));
  }
}

TEST_F(LogLedger, TriesBothAgainAfterAFailureButNotAtOnce) {
  disk_.FailSyncs(1, "ledger");
  ASSERT_THAT(Drop(0, 1), IsOk());
  ASSERT_THAT(log_->Commit().ledger, Not(IsOk()));
  ASSERT_THAT(Drop(1, 1), IsOk());
  EXPECT_EQ(log_->Collect(), std::nullopt);
  Commit({"records do not wait for it"});
  clock_.Advance(2s);
  const Applied applied = log_->Commit();
  EXPECT_THAT(applied.ledger, IsOk());
  EXPECT_THAT(applied.cursors, IsOk());
  CutPower();
  EXPECT_EQ(Floor(), first_ + 1);
  EXPECT_THAT(Entries(), ElementsAre(Field(&LedgerEntry::records, 2)));
}

TEST_F(LogLedger, HoldsBackACheckpointAsWell) {
  std::optional<Work> work;
  for (int i = 0; i < 20 && !(work && work->checkpoint); ++i) {
    if (work) log_->Apply(log_->writer().Do(*std::move(work)));
    ASSERT_THAT(log_->Append(Own(std::string(500, 'x'))), IsOk());
    const std::uint64_t last = log_->synced_through();
    ASSERT_THAT(log_->Drop("a", last - 1, last, Reason::kRejected, 1, 500), IsOk());
    work = log_->Collect();
  }
  ASSERT_TRUE(work && work->checkpoint) << "its cursors are above the drop";
  disk_.FailSyncs(1, "ledger");
  EXPECT_THAT(log_->Apply(log_->writer().Do(*work)).checkpoint, HasCode(Code::kUnavailable));
  EXPECT_THAT(FilesOf(FileKind::kCheckpoint), IsEmpty());
}

TEST_F(LogLedger, SaysNothingOfWhatWasDoneBefore) {
  ASSERT_THAT(log_->MarkDone("a", 0, first_), IsOk());
  EXPECT_THAT(Drop(0, 1), IsOk());
  log_->Commit();
  EXPECT_THAT(Entries(), IsEmpty());
  EXPECT_THAT(log_->Drop("a", 0, first_ + 1, Reason::kExpired, 1, 3), IsOk());
  log_->Commit();
  EXPECT_THAT(Entries(), ElementsAre(Field(&LedgerEntry::after, first_)));
}

TEST_F(LogLedger, HasNothingOfADropThatIsRefused) {
  EXPECT_THAT(log_->Drop("nobody", 0, 5, Reason::kExpired, 5, 1), HasCode(Code::kNotFound));
  for (std::uint64_t i = 1; i <= CursorTable::kMostRanges; ++i) {
    ASSERT_THAT(log_->MarkDone("a", first_ + 2 * i, first_ + 2 * i + 1), IsOk());
  }
  EXPECT_THAT(Drop(5000, 1), HasCode(Code::kExhausted));
  log_->Commit();
  EXPECT_THAT(Entries(), IsEmpty());
}

TEST_F(LogLedger, DropsNothingWhereTooMuchWaitsForTheLedger) {
  disk_.FailSyncs(FaultyStorage::kAlways, "ledger");
  for (std::uint64_t i = 0; i < Ledger::kMostWaiting; ++i) {
    ASSERT_THAT(log_->Note(Reason::kResent, "b", 3 * i, 3 * i + 1, 1, 1), IsOk());
  }
  EXPECT_THAT(Drop(0, 1), HasCode(Code::kExhausted));
  EXPECT_LT(Floor(), first_);
  log_->Commit();
  disk_.FailSyncs(0);
  clock_.Advance(2s);
  EXPECT_THAT(log_->Commit().ledger, IsOk());
  EXPECT_THAT(Drop(0, 1), IsOk());
}

TEST_F(LogLedger, NotesWhatMovesNoCursor) {
  ASSERT_THAT(log_->Note(Reason::kResent, "to west", first_ - 1, first_ + 1, 2, 6), IsOk());
  ASSERT_THAT(log_->Note(Reason::kDamaged, "", first_, first_ + 9, 8, 0), IsOk());
  EXPECT_THAT(log_->Commit().ledger, IsOk());
  CutPower();
  EXPECT_LT(Floor(), first_);
  EXPECT_THAT(Entries(), ElementsAre(AllOf(Field(&LedgerEntry::reason, Reason::kResent),
                                           Field(&LedgerEntry::reader, "to west")),
                                     Field(&LedgerEntry::reason, Reason::kDamaged)));
  EXPECT_THAT(log_->Note(Reason::kResent, std::string(65, 'n'), 0, 1, 1, 1),
              HasCode(Code::kInvalid));
}

TEST_F(LogLedger, NotesWhatNobodyCouldCount) {
  ASSERT_THAT(log_->Note(Reason::kDamaged, "", first_ - 1, first_, 1, 3), IsOk());
  ASSERT_THAT(log_->Note(Reason::kDamaged, "", first_, first_ + 9, 0, 0), IsOk());
  EXPECT_THAT(log_->Commit().ledger, IsOk());
  CutPower();
  EXPECT_THAT(Entries(),
              ElementsAre(Field(&LedgerEntry::records, 1),
                          AllOf(Field(&LedgerEntry::records, 0), Field(&LedgerEntry::after, first_),
                                Field(&LedgerEntry::through, first_ + 9))))
      << "an unknown number is added to no known one";
}

TEST_F(LogLedger, DropsOnAFullDisk) {
  disk_.SetFree(0);
  CutPower();
  ASSERT_THAT(Drop(0, 1), IsOk());
  EXPECT_THAT(log_->Commit().cursors, IsOk());
  EXPECT_THAT(Entries(), SizeIs(1));
}

TEST_F(LogLedger, OpensAFolderThatHasNoneAndDropsOnceThereIsRoomForIt) {
  log_.reset();
  const auto folder = *disk_.OpenFolder("queue");
  ASSERT_THAT(folder->Remove("ledger"), IsOk());
  ASSERT_THAT(folder->Sync(), IsOk());
  disk_.SetFree(0);
  Open();
  ASSERT_THAT(Drop(0, 1), IsOk());
  const Applied applied = log_->Commit();
  EXPECT_THAT(applied.ledger, HasCode(Code::kExhausted));
  EXPECT_THAT(applied.cursors, HasCode(Code::kExhausted));
  disk_.SetFree(1 << 20);
  clock_.Advance(2s);
  EXPECT_THAT(log_->Commit().cursors, IsOk());
  CutPower();
  EXPECT_THAT(Entries(), SizeIs(1));
  EXPECT_EQ(Floor(), first_);
}

TEST_F(LogLedger, GoesOnBehindASectorThatCannotBeRead) {
  for (std::uint64_t i = 0; i < 8; ++i) {
    ASSERT_THAT(log_->Note(Reason::kResent, "b", 3 * i, 3 * i + 1, 1, 1), IsOk());
  }
  ASSERT_THAT(log_->Commit().ledger, IsOk());
  log_.reset();
  disk_.SpoilSector("queue", "ledger", LedgerOffset(2));
  Open();
  ASSERT_THAT(Drop(0, 1), IsOk());
  EXPECT_THAT(log_->Commit().cursors, IsOk());
}

// === age ===

TEST_F(LogLedger, TellsHowOldARecordIs) {
  clock_.Advance(10s);
  Commit({"four"});
  clock_.Advance(5s);
  EXPECT_EQ(log_->age() - ReadAll().back().age, 5000U);
  clock_.StepWall(base::WallTime(std::chrono::seconds(1)));
  EXPECT_EQ(log_->age() - ReadAll().back().age, 5000U) << "a wall clock decides nothing";
  EXPECT_EQ(log_->age() - ReadAll().front().age, 17'000U);
  clock_.StepWall(base::WallTime(std::chrono::seconds(1'800'000'012 + 60)));
  CutPower();
  EXPECT_EQ(log_->age() - ReadAll().back().age, 60'000U) << "the time between two openings";
}

TEST_F(LogLedger, ForgetsSendersThatWereSilentFor30DaysWhileItRuns) {
  ASSERT_THAT(log_->Append(From(kEast, 5, "e5")), IsOk());
  log_->Commit();
  clock_.Advance(24h * 29);
  ASSERT_THAT(log_->Append(From(kWest, 3, "w3")), IsOk());
  log_->Commit();
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 5U);
  clock_.Advance(24h + 1ms);
  EXPECT_EQ(log_->Collect(), std::nullopt) << "it is nothing for the disk";
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 0U);
  EXPECT_EQ(log_->SyncedMark(kWest).sequence, 3U);
}

// === the power ===

// Drops and acknowledges at random while the disk fails and loses its power; after each opening,
// whatever the cursor is above was acknowledged, or is in the ledger.
class DropHistory : public LogLedger {
 protected:
  void SetUp() override {}

  // False where the disk lost its power.
  bool Run(std::uint64_t seed, int steps) {
    random_.seed(seed);
    for (int i = 0; i < steps && disk_.power(); ++i) {
      if (log_ == nullptr && !TryStart()) break;
      Step();
    }
    return disk_.power();
  }
  void ExpectEveryDropInTheLedger() {
    disk_.FailSyncs(0);
    disk_.FailWrites(0);
    Open();
    const Cursor* const cursor = log_->cursors().Find("a");
    const std::vector<LedgerEntry> entries = Entries();
    for (const auto& [through, after] : dropped_) {
      if (cursor == nullptr || cursor->floor < through) continue;
      ++survived_;
      const auto holds = [from = after, to = through](const LedgerEntry& entry) {
        return entry.after <= from && to <= entry.through;
      };
      EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), holds)) << "through " << through;
    }
    Adopt();
  }
  void Restart() {
    log_.reset();
    disk_ = FaultyStorage();
    dropped_.clear();
  }
  int survived() const { return survived_; }

 private:
  bool TryStart() {
    if (!TryOpen()) return false;
    Adopt();
    return true;
  }
  // What the cursor on the disk is not above was never dropped.
  void Adopt() {
    ASSERT_THAT(log_->AddCursor("a"), IsOk());
    dropped_.erase(dropped_.upper_bound(Floor()), dropped_.end());
  }
  void Step() {
    switch (random_() % 8) {
      case 0:
      case 1:
        if (log_->Append(Own(std::string(300, 'x')))) (void)log_->Commit();
        return;
      case 2:
      case 3: (void)log_->Commit(); return;
      case 4: return clock_.Advance(std::chrono::milliseconds(random_() % 1500));
      case 5: return Fail();
      case 6: return Leave(false);
      default: return Leave(true);
    }
  }
  void Fail() {
    const char* const part = random_() % 2 == 0 ? "ledger" : "";
    random_() % 2 == 0 ? disk_.FailSyncs(1, part) : disk_.FailWrites(1, *part == 0 ? ".log" : part);
  }
  void Leave(bool drop) {
    const std::uint64_t floor = Floor();
    if (log_->synced_through() <= floor) return;
    const auto rest = ReadAll(floor);
    const std::uint64_t through = rest[random_() % rest.size()].sequence;
    if (!drop) {
      ASSERT_THAT(log_->MarkDone("a", floor, through), IsOk());
      return;
    }
    ASSERT_THAT(log_->Drop("a", floor, through, Reason::kExpired, 1, 1), IsOk());
    dropped_[through] = floor;
  }

  std::mt19937_64 random_;
  std::map<std::uint64_t, std::uint64_t> dropped_;  // through, after
  int survived_ = 0;
};

TEST_F(DropHistory, HasEveryDropThatACursorSurvivedWhereverThePowerGoes) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const int before = disk_.changes();
    ASSERT_TRUE(Run(seed, 80));
    const int changes = disk_.changes() - before;
    for (int cut = 1; cut <= changes; ++cut) {
      for (const Unsynced unsynced : {Unsynced::kLost, Unsynced::kTorn}) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", cut at change " << cut);
        Restart();
        disk_.CutPowerAt(cut);
        ASSERT_FALSE(Run(seed, 80));
        disk_.PowerOn(unsynced, static_cast<std::uint64_t>(cut));
        ExpectEveryDropInTheLedger();
        if (HasFailure()) return;
      }
    }
    Restart();
  }
  EXPECT_GT(survived(), 100);
}

TEST_F(DropHistory, HasEveryDropThatACursorSurvivedOverKills) {
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    for (int kills = 0; kills < 3; ++kills) {
      ASSERT_TRUE(Run(seed + static_cast<std::uint64_t>(1000 * kills), 30));
      disk_.KillProcess();
      ExpectEveryDropInTheLedger();
    }
    disk_.PowerOn(Unsynced::kTorn, seed);
    ExpectEveryDropInTheLedger();
    if (HasFailure()) return;
    Restart();
  }
  EXPECT_GT(survived(), 100);
}

}  // namespace
}  // namespace postern::queue
