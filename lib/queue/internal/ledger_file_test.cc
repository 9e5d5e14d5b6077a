#include "lib/queue/internal/ledger_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/faulty_storage.h"

namespace postern::queue::internal {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using fs::FaultyStorage;
using fs::Unsynced;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

LedgerEntry Numbered(std::uint64_t number, std::uint64_t records = 1) {
  return {.number = number,
          .wall = 1000,
          .reason = Reason::kExpired,
          .reader = "uplink",
          .after = 10 * number,
          .through = 10 * number + records,
          .records = records,
          .bytes = 7};
}

class LedgerFileTest : public testing::Test {
 protected:
  void SetUp() override { EXPECT_THAT(Open(), IsEmpty()); }
  std::vector<LedgerEntry> Open() {
    folder_ = *disk_.OpenFolder("queue");
    file_ = LedgerFile();
    const auto found = file_.Open(*folder_);
    EXPECT_THAT(found, IsOk());
    return found.value_or(std::vector<LedgerEntry>());
  }
  base::Status Write(const std::vector<LedgerEntry>& entries) {
    return file_.Write(*folder_, entries);
  }
  std::vector<LedgerEntry> CutPower(Unsynced unsynced = Unsynced::kLost, std::uint64_t seed = 0) {
    disk_.PowerOn(unsynced, seed);
    return Open();
  }

  FaultyStorage disk_;
  std::unique_ptr<fs::Folder> folder_;
  LedgerFile file_;
};

TEST_F(LedgerFileTest, KeepsWhatWasWrittenOverAPowerCut) {
  ASSERT_THAT(Write({Numbered(1), Numbered(2)}), IsOk());
  ASSERT_THAT(Write({Numbered(2, 5), Numbered(3)}), IsOk());
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(1), Numbered(2, 5), Numbered(3)));
}

TEST_F(LedgerFileTest, WritesOverTheOldestWhereTheRingIsFull) {
  std::vector<LedgerEntry> entries;
  for (std::uint64_t number = 1; number <= kLedgerEntries + 10; ++number) {
    entries.push_back(Numbered(number));
  }
  ASSERT_THAT(Write(entries), IsOk());
  entries.erase(entries.begin(), entries.begin() + 10);
  EXPECT_EQ(CutPower(), entries);
}

TEST_F(LedgerFileTest, NeedsNoRoom) {
  disk_.SetFree(0);
  std::vector<LedgerEntry> entries;
  for (std::uint64_t number = 1; number <= kLedgerEntries; ++number) {
    entries.push_back(Numbered(number));
  }
  EXPECT_THAT(Write(entries), IsOk());
}

TEST_F(LedgerFileTest, PassesOverASectorThatCannotBeRead) {
  ASSERT_THAT(Write({Numbered(3), Numbered(4), Numbered(7), Numbered(8)}), IsOk());
  disk_.SpoilSector("queue", "ledger", LedgerOffset(5));
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(3), Numbered(8)));
  EXPECT_THAT(Write({Numbered(9)}), IsOk());
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(3), Numbered(8), Numbered(9)));
}

TEST_F(LedgerFileTest, DoesNotPassForEmptyWhereNothingOfItCanBeRead) {
  for (std::size_t at = 0; at < kLedgerBytes; at += FaultyStorage::kSector) {
    disk_.SpoilSector("queue", "ledger", at);
  }
  EXPECT_THAT(LedgerFile().Open(*folder_), HasCode(Code::kUnavailable));
}

TEST_F(LedgerFileTest, SyncsWhatADeadProcessLeftInTheCache) {
  disk_.FailSyncs(1, "ledger");
  ASSERT_THAT(Write({Numbered(1)}), Not(IsOk()));
  disk_.KillProcess();
  EXPECT_THAT(Open(), ElementsAre(Numbered(1)));
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(1)));
}

TEST_F(LedgerFileTest, IsWrittenAgainAfterAFailure) {
  ASSERT_THAT(Write({Numbered(1)}), IsOk());
  for (int i = 0; i < 2; ++i) {
    i == 0 ? disk_.FailSyncs(1, "ledger") : disk_.FailWrites(1, "ledger");
    ASSERT_THAT(Write({Numbered(1, 4), Numbered(2)}), HasCode(Code::kUnavailable));
  }
  ASSERT_THAT(Write({Numbered(1, 6), Numbered(2)}), IsOk());
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(1, 6), Numbered(2)));
}

TEST_F(LedgerFileTest, TearsNoEntryWhereverThePowerGoes) {
  const std::vector<LedgerEntry> before{Numbered(1), Numbered(2), Numbered(3), Numbered(4)};
  const std::vector<LedgerEntry> more{Numbered(3, 9), Numbered(4, 9), Numbered(5, 9)};
  for (int cut = 1; cut <= 4; ++cut) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      disk_ = FaultyStorage();
      ASSERT_THAT(Open(), IsEmpty());
      ASSERT_THAT(Write(before), IsOk());
      disk_.CutPowerAt(cut);
      ASSERT_THAT(Write(more), Not(IsOk()));
      for (const LedgerEntry& entry : CutPower(Unsynced::kTorn, seed)) {
        EXPECT_THAT(entry.records, testing::AnyOf(1, 9)) << "cut " << cut << ", seed " << seed;
        EXPECT_EQ(entry, Numbered(entry.number, entry.records));
      }
      EXPECT_GE(Open().size(), before.size()) << "cut " << cut << ", seed " << seed;
    }
  }
}

// === its making ===

TEST_F(LedgerFileTest, IsMadeAnewWhereItsMakingWasCutShort) {
  ASSERT_THAT(folder_->Remove("ledger"), IsOk());
  ASSERT_THAT(folder_->Create("ledger", 100), IsOk());
  EXPECT_THAT(Open(), IsEmpty());
  ASSERT_THAT(Write({Numbered(1)}), IsOk());
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(1)));
}

TEST_F(LedgerFileTest, KeepsWhatIsWrittenAfterAMakingThatWasKilled) {
  disk_ = FaultyStorage();
  folder_ = *disk_.OpenFolder("queue");
  ASSERT_THAT(folder_->Create("ledger", kLedgerBytes), IsOk());
  disk_.KillProcess();
  EXPECT_THAT(Open(), IsEmpty());
  ASSERT_THAT(Write({Numbered(1)}), IsOk());
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(1))) << "its name, too, is on the disk";
}

TEST_F(LedgerFileTest, IsMadeByTheFirstWriteThatFindsRoom) {
  disk_ = FaultyStorage();
  disk_.SetFree(100);
  EXPECT_THAT(Open(), IsEmpty()) << "a log opens on a full disk";
  EXPECT_THAT(Write({Numbered(1)}), HasCode(Code::kExhausted));
  disk_.SetFree(kLedgerBytes);
  disk_.FailSyncs(1, "ledger");
  EXPECT_THAT(Write({Numbered(1)}), HasCode(Code::kUnavailable));
  ASSERT_THAT(Write({Numbered(1)}), IsOk());
  EXPECT_THAT(CutPower(), ElementsAre(Numbered(1)));
}

}  // namespace
}  // namespace postern::queue::internal
