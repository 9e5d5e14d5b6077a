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

constexpr std::size_t kSlot = 4096;

SlotFile Open(FaultyStorage& disk) {
  auto slots = SlotFile::Open(**disk.OpenFolder("queue"), "cursors", kSlot);
  CHECK(slots, "the file can be opened");
  return *std::move(slots);
}

// Longer than a sector, so that a power cut can tear it.
std::string Value(int number) { return std::string(2000, static_cast<char>('a' + number)); }

TEST(SlotFile, IsEmptyAtFirst) {
  FaultyStorage disk;
  EXPECT_EQ(Open(disk).value(), std::nullopt);
}

TEST(SlotFile, KeepsTheValueThatWasSyncedLast) {
  FaultyStorage disk;
  for (int i = 0; i < 5; ++i) {
    SlotFile slots = Open(disk);
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
        SlotFile slots = Open(disk);
        ASSERT_THAT(slots.Write(Value(0)), IsOk());
        ASSERT_THAT(slots.Sync(), IsOk());
        disk.CutPowerAt(cut);
        for (int i = 1; i < 6; ++i) {
          const bool whole = slots.Write(Value(i)) && (i % 2 == 0 || slots.Sync());
          if (whole && i % 2 == 1) synced = i;
        }
      }
      disk.PowerOn(Unsynced::kTorn, seed);
      const auto value = Open(disk).value();
      ASSERT_TRUE(value) << "cut " << cut << ", seed " << seed;
      EXPECT_GE(value->front(), Value(synced).front()) << "cut " << cut << ", seed " << seed;
      EXPECT_EQ(*value, std::string(2000, value->front()));
    }
  }
}

TEST(SlotFile, WritesOverTheSameSlotUntilItIsSynced) {
  FaultyStorage disk;
  SlotFile slots = Open(disk);
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
  SlotFile slots = Open(disk);
  disk.SetFree(0);
  for (int i = 0; i < 4; ++i) {
    ASSERT_THAT(slots.Write(Value(i)), IsOk());
    ASSERT_THAT(slots.Sync(), IsOk());
  }
}

TEST(SlotFile, KeepsWhatIsWrittenAfterAMakingThatWasKilled) {
  FaultyStorage disk;
  ASSERT_THAT((*disk.OpenFolder("queue"))->Create("cursors", 2 * kSlot), IsOk());
  disk.KillProcess();
  SlotFile slots = Open(disk);
  ASSERT_THAT(slots.Write(Value(1)), IsOk());
  ASSERT_THAT(slots.Sync(), IsOk());
  disk.PowerOn(Unsynced::kLost);
  EXPECT_THAT(Open(disk).value(), Optional(Value(1))) << "its name, too, is on the disk";
}

TEST(SlotFile, IsMadeAnewWhereItsMakingWasCutShort) {
  FaultyStorage disk;
  ASSERT_THAT((*disk.OpenFolder("queue"))->Create("cursors", 100), IsOk());
  SlotFile slots = Open(disk);
  EXPECT_EQ(slots.value(), std::nullopt);
  ASSERT_THAT(slots.Write(Value(1)), IsOk());
}

}  // namespace
}  // namespace postern::queue::internal
