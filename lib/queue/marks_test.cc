#include "lib/queue/marks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lib/base/testing/matchers.h"

namespace postern::queue {
namespace {

using base::IsOk;
using testing::Not;

const Sender kEast{.member = "east.example", .store = {1}};
const Sender kWest{.member = "west.example", .store = {2}};

Hop At(const Sender& sender, std::uint64_t sequence) {
  return {.sender = sender, .sequence = sequence, .crc = static_cast<std::uint32_t>(sequence)};
}

TEST(MarkTable, TellsRepeatsByWhatWasAppendedAndSendersWhatIsSynced) {
  MarkTable marks;
  EXPECT_FALSE(marks.IsRepeat(At(kEast, 1)));
  marks.Append(At(kEast, 5));
  EXPECT_TRUE(marks.IsRepeat(At(kEast, 5)));
  EXPECT_FALSE(marks.IsRepeat(At(kEast, 6)));
  EXPECT_FALSE(marks.IsRepeat(At(kWest, 1)));
  EXPECT_EQ(marks.Synced(kEast), Mark{});
  marks.Sync(At(kEast, 5), 77);
  EXPECT_EQ(marks.Synced(kEast), (Mark{.sequence = 5, .crc = 5, .age = 77}));
  EXPECT_TRUE(marks.IsRepeat(At(kEast, 5)));
}

TEST(MarkTable, FallsBackToWhatIsSynced) {
  MarkTable marks;
  marks.Append(At(kEast, 5));
  marks.Sync(At(kEast, 5), 1);
  marks.Append(At(kEast, 6)), marks.Append(At(kEast, 8));
  marks.Sync(At(kEast, 6), 1);
  EXPECT_TRUE(marks.IsRepeat(At(kEast, 8))) << "8 is still on its way";
  marks.FallBack();
  EXPECT_TRUE(marks.IsRepeat(At(kEast, 6)));
  EXPECT_FALSE(marks.IsRepeat(At(kEast, 7)));
}

TEST(MarkTable, NeverGoesBackByItself) {
  MarkTable marks;
  marks.Sync(At(kEast, 5), 9);
  marks.Sync(At(kEast, 3), 10);
  EXPECT_EQ(marks.Synced(kEast), (Mark{.sequence = 5, .crc = 5, .age = 9}));
}

TEST(MarkTable, ForgetsThoseThatWereSilentForLongest) {
  MarkTable marks(100);
  for (std::uint64_t i = 1; i <= 101; ++i) {
    marks.Sync(At({.member = std::to_string(i), .store = {}}, 1), i);
  }
  EXPECT_LT(marks.size(), 100U);
  EXPECT_GT(marks.size(), 90U);
  EXPECT_EQ(marks.Synced({.member = "1", .store = {}}).sequence, 0U);
  EXPECT_EQ(marks.Synced({.member = "101", .store = {}}).sequence, 1U);
  marks.Forget(101);
  EXPECT_EQ(marks.size(), 1U);
}

TEST(MarkTable, StaysBoundedWhereAllAreOfOneAge) {
  MarkTable marks(100);
  for (int i = 0; i < 1000; ++i) marks.Sync(At({.member = std::to_string(i), .store = {}}, 1), 5);
  EXPECT_LE(marks.size(), 100U);
  EXPECT_GT(marks.size(), 90U);
}

TEST(MarkTable, ComesBackFromACheckpoint) {
  MarkTable marks;
  marks.Sync(At(kEast, 5), 77);
  marks.Sync(At(kWest, 6), 78);
  marks.Append(At(kWest, 9));
  const std::string bytes = marks.Encode();
  MarkTable again;
  ASSERT_THAT(again.Load(bytes), IsOk());
  EXPECT_EQ(again.Synced(kEast), marks.Synced(kEast));
  EXPECT_FALSE(again.IsRepeat(At(kWest, 9))) << "what is not synced is in no checkpoint";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_THAT(again.Load(std::string_view(bytes).substr(0, i)), Not(IsOk())) << i;
  }
  EXPECT_EQ(again.size(), 2U) << "a damaged checkpoint changes nothing";
}

}  // namespace
}  // namespace postern::queue
