#include "sidecar/backend/line_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/faulty_storage.h"

namespace postern::backend {
namespace {

using base::HasCode;
using base::IsOk;

constexpr const char* kName = ".logs.state";

LineGroup Group(std::uint64_t through) {
  return {.store = {7, 1},
          .before = through - 1,
          .through = through,
          .inode = 3,
          .offset = through * 100,
          .length = 100,
          .crc = 0xdeadbeef};
}

class LineStateTest : public testing::Test {
 protected:
  base::Result<std::unique_ptr<LineState>> TryOpen() {
    auto folder = disk_.OpenFolder("out");
    if (!folder) return folder.error();
    auto state = LineState::Open(**folder, kName);
    const base::Status named = (*folder)->Sync();
    if (!named) return named.error();
    return state;
  }
  std::unique_ptr<LineState> Open() {
    auto state = TryOpen();
    CHECK(state, "nothing is faulty now");
    return *std::move(state);
  }
  // As after a power cut that leaves of what was not synced what the seed says.
  std::unique_ptr<LineState> OpenAfterPowerCut(std::uint64_t seed) {
    disk_.PowerOn(seed == 0 ? fs::Unsynced::kLost : fs::Unsynced::kTorn, seed);
    return Open();
  }

  fs::FaultyStorage disk_;
};

TEST_F(LineStateTest, KnowsNothingAtFirst) {
  EXPECT_EQ(Open()->group(), std::nullopt);
  EXPECT_EQ(Open()->group(), std::nullopt);
}

TEST_F(LineStateTest, TellsTheLastGroupAndWhetherItEnded) {
  for (std::uint64_t through = 1; through < 9; ++through) {
    ASSERT_THAT(Open()->Begin(Group(through)), IsOk());
    const auto begun = Open();
    EXPECT_EQ(begun->group(), Group(through));
    EXPECT_FALSE(begun->ended());
    begun->End();
    EXPECT_EQ(Open()->group(), Group(through));
    EXPECT_TRUE(Open()->ended());
  }
}

TEST_F(LineStateTest, KeepsTheLastGroupOverAPowerCutAtAnyChange) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    for (int cut = 1; cut < 20; ++cut) {
      disk_ = fs::FaultyStorage();
      std::uint64_t begun = 0;  // surely
      std::uint64_t asked = 0;
      auto state = Open();
      disk_.CutPowerAt(cut);
      while (disk_.power()) {
        if (state->Begin(Group(++asked))) {
          begun = asked;
          state->End();
        }
      }
      const auto after = OpenAfterPowerCut(seed);
      const std::uint64_t told = after->group() ? after->group()->through : 0;
      EXPECT_GE(told, begun) << "cut at " << cut << " with " << seed;
      EXPECT_LE(told, asked) << "cut at " << cut << " with " << seed;
      EXPECT_TRUE(told == begun || !after->ended()) << "what did not begin did not end";
    }
  }
}

// The kernel forgets what it could not write, and shows it to whoever reads as if it were there.
TEST_F(LineStateTest, KeepsTheLastGroupOverAFailedSyncAKillAndAPowerCut) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    disk_ = fs::FaultyStorage();
    auto state = Open();
    for (const std::uint64_t through : {1U, 2U, 3U}) {
      ASSERT_THAT(state->Begin(Group(through)), IsOk());
      state->End();
    }
    disk_.FailSyncs(1, kName);
    EXPECT_FALSE(state->Begin(Group(4)));
    disk_.KillProcess();
    state = Open();
    EXPECT_EQ(state->group()->through, 4U) << "nobody knows";
    disk_.CutPowerAt(2);  // the sync
    EXPECT_FALSE(state->Begin(Group(5)));
    EXPECT_GE(OpenAfterPowerCut(seed)->group()->through, 3U) << "with " << seed;
  }
}

TEST_F(LineStateTest, PassesOverASlotThatIsSpoilt) {
  for (std::uint64_t offset = 0; offset < 40; ++offset) {
    disk_ = fs::FaultyStorage();
    ASSERT_THAT(Open()->Begin(Group(1)), IsOk());
    ASSERT_THAT(Open()->Begin(Group(2)), IsOk());
    const auto file = *(*disk_.OpenFolder("out"))->Open(kName);
    for (const std::uint64_t slot : {0U, 4096U, 8192U}) {
      std::string byte(1, '\0');
      ASSERT_THAT(fs::ReadExactly(*file, slot + offset, byte), IsOk());
      if (slot == 0) continue;
      byte[0] = static_cast<char>(byte[0] ^ 1);
      const std::array<std::string_view, 1> slices{byte};
      ASSERT_THAT(file->WriteAt(slot + offset, slices), IsOk());
    }
    const auto state = Open();
    ASSERT_TRUE(state->group()) << offset;
    EXPECT_EQ(state->group(), Group(state->group()->through)) << offset;
  }
}

TEST_F(LineStateTest, SaysWhatTheDiskSays) {
  Open();
  disk_.SpoilSector("out", kName, 0);
  EXPECT_THAT(TryOpen(), HasCode(base::Code::kUnavailable));
}

}  // namespace
}  // namespace postern::backend
