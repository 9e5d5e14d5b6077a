// A log whose disk fails: what it refuses, what it keeps, and that it never lies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;

class LogFaults : public LogFixture {
 protected:
  void SetUp() override {
    Open();
    Commit({"one", "two"});
  }
  void CutPower() {
    disk_.PowerOn(Unsynced::kLost);
    Open();
  }
};

TEST_F(LogFaults, WritesElsewhereWhatOneSyncLost) {
  disk_.FailSyncs(1, ".log");
  Commit({"three"});
  EXPECT_THAT(FilesOf(FileKind::kSegment), SizeIs(2)) << "the first is not synced again";
  Commit({"four"});
  CutPower();
  EXPECT_THAT(Texts(), ElementsAre("one", "two", "three", "four"));
  EXPECT_THAT(log_->report().damages, IsEmpty());
}

TEST_F(LogFaults, WritesElsewhereWhatWasWrittenInHalf) {
  disk_.FailWrites(1, ".log");
  Commit({"three", "four"});
  CutPower();
  EXPECT_THAT(Texts(), ElementsAre("one", "two", "three", "four"));
}

TEST_F(LogFaults, RefusesEverythingSinceWhenTheDiskFails) {
  disk_.FailSyncs(FaultyStorage::kAlways, ".log");
  ASSERT_THAT(log_->Append(From(kEast, 5, "lost")), IsOk());
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work);
  const std::uint64_t first = work->first_sequence;
  ASSERT_THAT(log_->Append(From(kEast, 6, "must not pass")), IsOk());
  const Applied applied = log_->Apply(log_->writer().Do(*std::move(work)));
  EXPECT_THAT(applied.records, HasCode(Code::kUnavailable));
  EXPECT_EQ(applied.refused_from, first);
  EXPECT_EQ(log_->Collect(), std::nullopt) << "what came since is refused with it";
  EXPECT_FALSE(log_->IsRepeat({.sender = kEast, .sequence = 5})) << "the mark fell back";
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 0U);
  EXPECT_THAT(Texts(), ElementsAre("one", "two"));

  disk_.FailSyncs(0);
  ASSERT_THAT(log_->Append(From(kEast, 5, "again")), IsOk());
  EXPECT_THAT(log_->Commit().records, IsOk());
  CutPower();
  EXPECT_THAT(Texts(), ElementsAre("one", "two", "again"));
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 5U);
}

TEST_F(LogFaults, LeavesOutWhatWasRefusedOnceSomethingElseIsCommitted) {
  disk_.FailSyncs(2, ".log");
  ASSERT_THAT(log_->Append(From(kEast, 5, "refused, but in the cache")), IsOk());
  ASSERT_THAT(log_->Commit().records, Not(IsOk()));
  Commit({"three"});
  disk_.KillProcess();
  Open();
  EXPECT_THAT(Texts(), ElementsAre("one", "two", "three"));
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 0U);
}

TEST_F(LogFaults, TakesNoRoomForSegmentsThatFail) {
  disk_.FailSyncs(FaultyStorage::kAlways, ".log");
  const std::uint64_t before = log_->bytes();
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(log_->Append(Own("refused")), IsOk());
    EXPECT_THAT(log_->Commit().records, Not(IsOk()));
  }
  EXPECT_THAT(FilesOf(FileKind::kSegment), SizeIs(1));
  EXPECT_LE(log_->bytes(), before + options_.segment_bytes);
}

TEST_F(LogFaults, KeepsTheLastRecordsThoughAFailedSegmentStaysAboveThem) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  clock_.Advance(1h);
  for (int i = 0; i < 20; ++i) Commit({std::string(500, 'x')});
  const std::uint64_t age = log_->age();
  disk_.FailSyncs(2, ".log");
  disk_.FailRemoves(1, ".log");
  ASSERT_THAT(log_->Append(Own("refused")), IsOk());
  ASSERT_THAT(log_->Commit().records, Not(IsOk()));
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(2s);
    log_->Commit();
    EXPECT_THAT(log_->EvictOldest(),
                testing::Truly([](const auto& evicted) { return evicted && evicted->empty(); }));
  }
  CutPower();
  EXPECT_THAT(ReadAll(), Not(IsEmpty())) << "the newest segment tells the age";
  EXPECT_GE(log_->age(), age);
}

TEST_F(LogFaults, DoesNotTrustTheCacheAfterARestart) {
  disk_.FailSyncs(FaultyStorage::kAlways, ".log");
  ASSERT_THAT(log_->Append(From(kEast, 5, "in the cache only")), IsOk());
  ASSERT_THAT(log_->Commit().records, Not(IsOk()));
  disk_.FailSyncs(0);
  disk_.KillProcess();
  Open();
  // The cache shows it and so it counts: then it has to be on the disk.
  ASSERT_EQ(log_->SyncedMark(kEast).sequence, 5U);
  CutPower();
  EXPECT_THAT(Texts(), ElementsAre("one", "two", "in the cache only"));
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 5U);
}

TEST_F(LogFaults, DoesNotOpenWhileTheDeviceFailsAndThenDoes) {
  disk_.KillProcess();
  disk_.FailSyncs(FaultyStorage::kAlways);
  EXPECT_THAT(TryOpen(), HasCode(Code::kUnavailable));
  disk_.FailSyncs(0);
  Open();
  EXPECT_THAT(Texts(), ElementsAre("one", "two"));
}

TEST_F(LogFaults, RefusesOnAFullDiskAndGoesOnWhenThereIsRoom) {
  disk_.SetFree(1000);
  base::Status records;
  int kept = 0;
  for (; records; ++kept) {
    ASSERT_THAT(log_->Append(Own(std::string(300, 'x'))), IsOk());
    records = log_->Commit().records;
  }
  EXPECT_THAT(records, HasCode(Code::kExhausted));
  EXPECT_GT(kept, 2) << "the segment's room was taken before";
  EXPECT_THAT(ReadAll(), SizeIs(kept + 1));
  disk_.SetFree(1 << 20);
  Commit({"again"});
  CutPower();
  EXPECT_EQ(Texts().back(), "again");
  EXPECT_THAT(ReadAll(), SizeIs(kept + 2));
}

TEST_F(LogFaults, OpensAndMovesCursorsOnAFullDisk) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  log_->Commit();
  disk_.SetFree(0);
  CutPower();
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  clock_.Advance(2s);
  EXPECT_THAT(log_->Commit().cursors, IsOk());
  const std::uint64_t floor = log_->cursors().floor();
  CutPower();
  EXPECT_EQ(log_->cursors().floor(), floor);
}

TEST_F(LogFaults, FreesAFullDiskBySegmentsThatAreDoneWith) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  for (int round = 0; round < 8; ++round) {
    for (int i = 0; i < 10; ++i) Commit({std::string(500, 'x')});
    disk_.SetFree(round < 2 ? 4096 : 0);
    ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
    for (int i = 0; i < 4; ++i) {
      clock_.Advance(2s);
      log_->Commit();
    }
    EXPECT_EQ(log_->segments(), 1U) << "round " << round;
    disk_.SetFree(1 << 20);
  }
}

TEST_F(LogFaults, TriesCursorsAgainAfterAFailureButNotAtOnce) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  clock_.Advance(2s);
  disk_.FailSyncs(1, "cursors");
  EXPECT_THAT(log_->Commit().cursors, Not(IsOk()));
  EXPECT_EQ(log_->Collect(), std::nullopt);
  clock_.Advance(2s);
  EXPECT_THAT(log_->Commit().cursors, IsOk());
  CutPower();
  EXPECT_NE(log_->cursors().Find("a"), nullptr);
}

TEST_F(LogFaults, RemovesNothingThatOnlyAnUnsyncedCursorIsAbove) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  for (int i = 0; i < 10; ++i) Commit({std::string(500, 'x')});
  const std::uint64_t last = log_->synced_through();
  disk_.FailSyncs(FaultyStorage::kAlways, "cursors");
  ASSERT_THAT(log_->MarkDone("a", 0, last), IsOk());
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(2s);
    log_->Commit();
  }
  CutPower();
  EXPECT_THAT(ReadAll(log_->cursors().floor()), SizeIs(12));
}

TEST_F(LogFaults, GivesUpNoCheckpointForOneThatCanWait) {
  for (int i = 0; i < 20 && FilesOf(FileKind::kCheckpoint).empty(); ++i) {
    Commit({std::string(500, 'x')});
  }
  const std::vector<std::string> before = FilesOf(FileKind::kCheckpoint);
  ASSERT_THAT(before, SizeIs(1));
  bool refused = false;
  for (int i = 0; i < 20; ++i) {
    disk_.SetFree(2 * options_.segment_bytes);
    ASSERT_THAT(log_->Append(Own(std::string(500, 'x'))), IsOk());
    std::optional<Work> work = log_->Collect();
    ASSERT_TRUE(work);
    if (work->checkpoint) {
      disk_.SetFree(0);
      work->entries.clear();
      refused = true;
    }
    const Applied applied = log_->Apply(log_->writer().Do(*std::move(work)));
    if (!refused) continue;
    EXPECT_THAT(applied.checkpoint, HasCode(Code::kExhausted));
    break;
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(FilesOf(FileKind::kCheckpoint), before);
}

TEST_F(LogFaults, KeepsItsOnlyCheckpointUntilANewerOneIsWhole) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  for (int i = 0; i < 20 && FilesOf(FileKind::kCheckpoint).empty(); ++i) {
    Commit({std::string(500, 'x')});
  }
  for (int i = 0; i < 5; ++i) Commit({std::string(500, 'x')});
  const std::vector<std::string> before = FilesOf(FileKind::kCheckpoint);
  ASSERT_THAT(before, SizeIs(1));
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  clock_.Advance(2s);
  ASSERT_THAT(log_->Commit().cursors, IsOk());
  disk_.SetFree(0);
  disk_.FailWrites(1, ".marks");
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work && work->checkpoint && !work->checkpoint_can_wait);
  work->remove.clear();
  EXPECT_THAT(log_->Apply(log_->writer().Do(*std::move(work))).checkpoint, Not(IsOk()));
  EXPECT_EQ(FilesOf(FileKind::kCheckpoint), before);

  disk_.SetFree(1 << 20);
  for (const bool room : {true, false}) {  // one that is whole and one that failed are still one
    Commit({std::string(500, 'x')});
    clock_.Advance(2s);
    work = log_->Collect();
    ASSERT_TRUE(work && work->checkpoint && !work->checkpoint_can_wait);
    work->remove.clear();
    if (!room) disk_.SetFree(0);
    disk_.FailWrites(1, ".marks");
    EXPECT_THAT(log_->Apply(log_->writer().Do(*std::move(work))).checkpoint, Not(IsOk()));
    EXPECT_EQ(FilesOf(FileKind::kCheckpoint).front(), before.front());
  }
}

TEST_F(LogFaults, RemovesNothingWithoutACheckpointOnTheDisk) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  ASSERT_THAT(log_->Append(From(kEast, 5, "e5")), IsOk());
  disk_.FailSyncs(FaultyStorage::kAlways, ".marks");
  for (int i = 0; i < 10; ++i) Commit({std::string(500, 'x')});
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(2s);
    log_->Commit();
  }
  CutPower();
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 5U);
}

// === a full disk, and few checkpoints ===

class LogFullDisk : public LogFaults {
 protected:
  void SetUp() override {}

  // A log of several segments, with so many checkpoints and a mark in the first group.
  void Fill(std::size_t checkpoints) {
    log_.reset();
    disk_ = FaultyStorage();
    Open();
    ASSERT_THAT(log_->AddCursor("a"), IsOk());
    ASSERT_THAT(log_->Append(From(kEast, 5, "e5")), IsOk());
    ASSERT_THAT(log_->Commit().records, IsOk());
    for (int i = 0; i < 6; ++i) Commit({std::string(500, 'x')});
    while (FilesOf(FileKind::kCheckpoint).size() < checkpoints) Commit({std::string(500, 'x')});
    for (int i = 0; checkpoints > 0 && i < 5; ++i) Commit({std::string(500, 'x')});
    clock_.Advance(2s);
    log_->Commit();
    ASSERT_THAT(FilesOf(FileKind::kCheckpoint), SizeIs(checkpoints));
    ASSERT_GT(log_->segments(), 2U);
    disk_.SetFree(0);
  }
  // Marks all of it done and does what there is to do.
  void Finish() {
    if (log_->AddCursor("a")) (void)log_->MarkDone("a", 0, log_->synced_through());
    for (int i = 0; i < 4 && disk_.power(); ++i) {
      clock_.Advance(2s);
      log_->Commit();
    }
  }
};

TEST_F(LogFullDisk, MakesRoomThoughThereIsNoCheckpointOrOnlyOne) {
  for (const std::size_t checkpoints : {0U, 1U, 2U}) {
    SCOPED_TRACE(checkpoints);
    ASSERT_NO_FATAL_FAILURE(Fill(checkpoints));
    Finish();
    EXPECT_EQ(log_->segments(), 1U);
    EXPECT_THAT(FilesOf(FileKind::kCheckpoint), SizeIs(std::min<std::size_t>(checkpoints + 1, 2)));
    CutPower();
    EXPECT_EQ(log_->SyncedMark(kEast).sequence, 5U);
    EXPECT_FALSE(log_->report().lost_checkpoint);
  }
}

TEST_F(LogFullDisk, MakesRoomTimeAndAgain) {
  ASSERT_NO_FATAL_FAILURE(Fill(0));
  for (int round = 0; round < 6; ++round) {
    Finish();
    ASSERT_EQ(log_->segments(), 1U) << "round " << round;
    while (log_->segments() < 4) {
      ASSERT_THAT(log_->Append(Own(std::string(500, 'x'))), IsOk());
      if (!log_->Commit().records) break;
    }
    disk_.SetFree(0);  // somebody else has what is left
  }
}

TEST_F(LogFullDisk, LosesNothingWhereverThePowerGoesMeanwhile) {
  for (const std::size_t checkpoints : {0U, 1U}) {
    for (int cut = 1;; ++cut) {
      SCOPED_TRACE(testing::Message() << checkpoints << " checkpoints, cut at change " << cut);
      ASSERT_NO_FATAL_FAILURE(Fill(checkpoints));
      const std::size_t records = ReadAll().size();
      const std::uint64_t last = log_->synced_through();
      disk_.CutPowerAt(cut);
      Finish();
      if (disk_.power()) {
        EXPECT_GT(cut, 8);
        break;
      }
      disk_.PowerOn(Unsynced::kTorn, static_cast<std::uint64_t>(cut));
      Open();
      EXPECT_EQ(log_->SyncedMark(kEast).sequence, 5U);
      if (log_->cursors().floor() < last) {
        EXPECT_THAT(ReadAll(), SizeIs(records));
      }
      Finish();
      EXPECT_EQ(log_->segments(), 1U) << "it goes on where it stood";
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace postern::queue
