#include "lib/queue/internal/slot_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/faulty_storage.h"

namespace postern::queue::internal {
namespace {

using base::IsOk;
using fs::FaultyStorage;
using fs::Unsynced;
using testing::Not;
using testing::Optional;

constexpr std::size_t kFormerSlot = 2560;
constexpr SlotShape kShape{.slots = 3, .slot_size = 4096, .former_slot_size = kFormerSlot};

// The file, with generations that rise by themselves.
class Slots {
 public:
  explicit Slots(FaultyStorage& disk, const SlotShape& shape = kShape) {
    auto opened = SlotFile::Open(**disk.OpenFolder("queue"), "cursors", shape);
    CHECK(opened, "the file can be opened");
    file_ = *std::move(opened);
    generation_ = file_->found_generation();
  }
  const std::optional<std::string>& value() const { return file_->found(); }
  base::Status Write(std::string_view value) { return file_->Write(++generation_, value); }
  base::Result<std::uint64_t> Sync() { return file_->Sync(); }
  SlotFile& file() { return *file_; }

 private:
  std::unique_ptr<SlotFile> file_;
  std::uint64_t generation_ = 0;
};

Slots Open(FaultyStorage& disk) { return Slots(disk); }

// Longer than a sector, so that a power cut can tear it.
std::string Value(int number) { return std::string(2000, static_cast<char>('a' + number)); }

// After a power cut: a value that is whole, and no older than the last one that was synced.
void ExpectWholeValueFrom(int synced, FaultyStorage& disk, std::uint64_t seed) {
  disk.PowerOn(Unsynced::kTorn, seed);
  const auto value = Open(disk).value();
  ASSERT_TRUE(value);
  EXPECT_GE(value->front(), Value(synced).front());
  EXPECT_EQ(*value, std::string(2000, value->front()));
}

TEST(SlotFile, IsEmptyAtFirst) {
  FaultyStorage disk;
  EXPECT_EQ(Open(disk).value(), std::nullopt);
}

TEST(SlotFile, KeepsTheValueThatWasSyncedLast) {
  FaultyStorage disk;
  for (int i = 0; i < 5; ++i) {
    Slots slots = Open(disk);
    if (i > 0) {
      EXPECT_THAT(slots.value(), Optional(Value(i - 1)));
    }
    ASSERT_THAT(slots.Write(Value(i)), IsOk());
    ASSERT_THAT(slots.Sync(), IsOk());
    ASSERT_THAT(slots.Sync(), IsOk()) << "nothing more to sync";
    disk.PowerOn(Unsynced::kLost);
  }
}

TEST(SlotFile, HasTheOldValueOrTheNewOneWhereverThePowerGoes) {
  for (int cut = 1; cut <= 8; ++cut) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      FaultyStorage disk;
      int synced = 0;
      {
        Slots slots = Open(disk);
        ASSERT_THAT(slots.Write(Value(0)), IsOk());
        ASSERT_THAT(slots.Sync(), IsOk());
        disk.CutPowerAt(cut);
        for (int i = 1; i < 6; ++i) {
          const bool whole = slots.Write(Value(i)) && (i % 2 == 0 || slots.Sync());
          if (whole && i % 2 == 1) synced = i;
        }
      }
      SCOPED_TRACE("cut " + std::to_string(cut) + ", seed " + std::to_string(seed));
      ASSERT_NO_FATAL_FAILURE(ExpectWholeValueFrom(synced, disk, seed));
    }
  }
}

TEST(SlotFile, WritesOverTheSameSlotUntilItIsSynced) {
  FaultyStorage disk;
  Slots slots = Open(disk);
  ASSERT_THAT(slots.Write(Value(0)), IsOk());
  ASSERT_THAT(slots.Sync(), IsOk());
  for (int i = 1; i < 4; ++i) ASSERT_THAT(slots.Write(Value(i)), IsOk());
  disk.FailSyncs(1);
  EXPECT_THAT(slots.Sync(), Not(IsOk()));
  ASSERT_THAT(slots.Write(Value(4)), IsOk());
  disk.PowerOn(Unsynced::kLost);
  EXPECT_THAT(Open(disk).value(), Optional(Value(0)));
}

TEST(SlotFile, SyncsWhatADeadProcessLeftInTheCache) {
  FaultyStorage disk;
  ASSERT_THAT(Open(disk).Write(Value(1)), IsOk());
  disk.KillProcess();
  EXPECT_THAT(Open(disk).value(), Optional(Value(1)));
  disk.PowerOn(Unsynced::kLost);
  EXPECT_THAT(Open(disk).value(), Optional(Value(1)));
}

TEST(SlotFile, NeedsNoRoomToChange) {
  FaultyStorage disk;
  Slots slots = Open(disk);
  disk.SetFree(0);
  for (int i = 0; i < 4; ++i) {
    ASSERT_THAT(slots.Write(Value(i)), IsOk());
    ASSERT_THAT(slots.Sync(), IsOk());
  }
}

TEST(SlotFile, KeepsWhatIsWrittenAfterAMakingThatWasKilled) {
  FaultyStorage disk;
  ASSERT_THAT((*disk.OpenFolder("queue"))->Create("cursors", kShape.size()), IsOk());
  disk.KillProcess();
  Slots slots = Open(disk);
  ASSERT_THAT(slots.Write(Value(1)), IsOk());
  ASSERT_THAT(slots.Sync(), IsOk());
  disk.PowerOn(Unsynced::kLost);
  EXPECT_THAT(Open(disk).value(), Optional(Value(1))) << "its name, too, is on the disk";
}

TEST(SlotFile, IsMadeAnewWhereItsMakingWasCutShort) {
  FaultyStorage disk;
  ASSERT_THAT((*disk.OpenFolder("queue"))->Create("cursors", 100), IsOk());
  Slots slots = Open(disk);
  EXPECT_EQ(slots.value(), std::nullopt);
  ASSERT_THAT(slots.Write(Value(1)), IsOk());
}

TEST(SlotFile, HasAWholeValueWhereverThePowerGoesWhileASyncIsUnderWay) {
  // What is written during a sync must leave alone what was synced before and what is being synced.
  for (int cut = 1; cut <= 12; ++cut) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      FaultyStorage disk;
      int synced = 0;
      {
        Slots slots = Open(disk);
        ASSERT_THAT(slots.Write(Value(0)), IsOk());
        ASSERT_THAT(slots.Sync(), IsOk());
        disk.CutPowerAt(cut);
        for (int i = 1; i < 12; i += 3) {
          if (!slots.Write(Value(i))) break;
          disk.DuringNextSync(
              [&] { (void)(slots.Write(Value(i + 1)) && slots.Write(Value(i + 2))); });
          if (!slots.Sync()) break;
          synced = i;
        }
      }
      SCOPED_TRACE("cut " + std::to_string(cut) + ", seed " + std::to_string(seed));
      ASSERT_NO_FATAL_FAILURE(ExpectWholeValueFrom(synced, disk, seed));
    }
  }
}

TEST(SlotFile, LosesAtAFailedSyncWhatWasWrittenDuringIt) {
  FaultyStorage disk;
  Slots slots = Open(disk);
  ASSERT_THAT(slots.Write(Value(0)), IsOk());
  ASSERT_THAT(slots.Sync(), IsOk());
  ASSERT_THAT(slots.Write(Value(1)), IsOk());
  disk.DuringNextSync([&] { EXPECT_THAT(slots.Write(Value(2)), IsOk()); });
  disk.FailSyncs(1);
  EXPECT_THAT(slots.Sync(), Not(IsOk()));
  EXPECT_THAT(slots.Sync(), base::IsOkAndHolds(1U)) << "as before: nothing of it counts";
}

TEST(SlotFile, KeepsTheHigherGenerationWhicheverIsWrittenLast) {
  FaultyStorage disk;
  {
    Slots slots = Open(disk);
    ASSERT_THAT(slots.file().Write(2, Value(2)), IsOk());
    ASSERT_THAT(slots.file().Write(1, Value(1)), IsOk());
    EXPECT_THAT(slots.Sync(), base::IsOkAndHolds(2U));
  }
  EXPECT_THAT(Open(disk).value(), Optional(Value(2)));
}

TEST(SlotFile, LeavesTheNewestValueWhereAKillTearsTheNext) {
  FaultyStorage disk;
  {
    Slots slots = Open(disk);
    ASSERT_THAT(slots.Write(Value(0)), IsOk());
    ASSERT_THAT(slots.Sync(), IsOk());
    for (int i = 1; i < 5; ++i) ASSERT_THAT(slots.Write(Value(i)), IsOk());
    disk.FailWrites(1);
    EXPECT_THAT(slots.Write(Value(5)), Not(IsOk()));
  }
  disk.KillProcess();
  EXPECT_THAT(Open(disk).value(), Optional(Value(4)));
}

TEST(SlotFile, TakesOverAFileOfTheFormerShapeWhereverThePowerGoes) {
  constexpr SlotShape kFormer{.slots = 2, .slot_size = kFormerSlot};
  for (int cut = 1; cut <= 12; ++cut) {
    FaultyStorage disk;
    {
      Slots former(disk, kFormer);
      for (int i = 0; i < 3; ++i) {
        ASSERT_THAT(former.Write(Value(i)), IsOk());
        ASSERT_THAT(former.Sync(), IsOk());
      }
    }
    disk.CutPowerAt(cut);
    (void)SlotFile::Open(**disk.OpenFolder("queue"), "cursors", kShape);
    disk.PowerOn(Unsynced::kTorn, static_cast<std::uint64_t>(cut));
    Slots slots = Open(disk);
    EXPECT_THAT(slots.value(), Optional(Value(2))) << "cut " << cut;
    ASSERT_THAT(slots.Write(Value(3)), IsOk());
    ASSERT_THAT(slots.Sync(), IsOk());
    EXPECT_THAT(Open(disk).value(), Optional(Value(3)));
  }
}

}  // namespace
}  // namespace postern::queue::internal
