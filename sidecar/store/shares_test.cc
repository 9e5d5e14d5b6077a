#include "sidecar/store/shares.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace postern::store {
namespace {

constexpr std::uint64_t kMost = 1000;
constexpr std::uint64_t kNoBound = std::numeric_limits<std::uint64_t>::max();

using Held = std::vector<std::pair<const char*, std::uint64_t>>;

struct Case {
  const char* when;
  Held held;
  std::uint64_t used;
  const char* who;
  bool may_add;
  std::uint64_t room;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.when; }

const Case kCases[] = {
    {"the queue is empty", {}, 0, "a", true, kNoBound},
    {"half is used, by one of two", {{"a", 500}, {"b", 0}}, 500, "a", true, kNoBound},
    {"more is used, by one who has come to its share", {{"a", 500}, {"b", 1}}, 501, "a", false, 0},
    {"the other one goes on", {{"a", 500}, {"b", 1}}, 501, "b", true, 499},
    {"it is alone: all is its share", {{"a", 900}}, 900, "a", true, 100},
    {"alone, and all is used", {{"a", 1000}}, 1000, "a", false, 0},
    {"below its share", {{"a", 300}, {"b", 300}}, 600, "a", true, 200},
    {"another one comes, and the shares shrink",
     {{"a", 400}, {"b", 300}},
     700,
     "c",
     true,
     kNoBound},
    {"three are active, the first is over", {{"a", 400}, {"b", 300}, {"c", 0}}, 700, "a", false, 0},
    {"three are active, the second is not", {{"a", 400}, {"b", 300}, {"c", 0}}, 700, "b", true, 33},
    {"own clients are one like the others", {{"", 600}, {"b", 100}}, 700, "", false, 0},
    {"what was there before the opening is nobody's", {{"a", 10}, {"b", 10}}, 999, "a", true, 490},
};

class SharesTest : public testing::TestWithParam<Case> {};

TEST_P(SharesTest, LimitsWhoHoldsItsShareOfAQueueThatIsHalfFull) {
  const Case& row = GetParam();
  Shares shares(kMost);
  std::uint64_t sequence = 0;
  for (const auto& [member, bytes] : row.held) {
    (void)shares.MayAdd(member, 0, 0);
    if (bytes > 0) shares.Append(member, ++sequence, bytes);
  }
  EXPECT_EQ(shares.MayAdd(row.who, row.used, 0), row.may_add);
  EXPECT_EQ(shares.RoomFor(row.who, row.used), row.room);
}

INSTANTIATE_TEST_SUITE_P(Table, SharesTest, testing::ValuesIn(kCases));

TEST(Shares, GivesBackWhatNobodyNeeds) {
  Shares shares(kMost);
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
    shares.Append(sequence % 2 == 0 ? "a" : "b", sequence, 10);
  }
  shares.Pass(10);
  EXPECT_EQ(shares.BytesOf("a"), 50U) << "it is not synced";
  shares.Sync(10);
  shares.Pass(4);
  EXPECT_EQ(shares.BytesOf("a"), 30U);
  EXPECT_EQ(shares.BytesOf("b"), 30U);
  shares.Pass(10);
  EXPECT_EQ(shares.BytesOf("a"), 0U);
  EXPECT_EQ(shares.entries(), 0U);
}

TEST(Shares, GivesBackWhatTheDiskDidNotTake) {
  Shares shares(kMost);
  shares.Append("a", 1, 10);
  shares.Sync(1);
  shares.Append("a", 2, 10);
  shares.Append("b", 3, 10);
  shares.FallBack();
  EXPECT_EQ(shares.BytesOf("a"), 10U);
  EXPECT_EQ(shares.BytesOf("b"), 0U);
}

TEST(Shares, TellsHowManyAreOver) {
  Shares shares(kMost);
  shares.Append("a", 1, 500);
  shares.Append("b", 2, 100);
  EXPECT_EQ(shares.Over(500), 0U);
  EXPECT_EQ(shares.Over(600), 1U);
}

TEST(Shares, ForgetsWhoHoldsNothingAndDoesNotCome) {
  Shares shares(kMost);
  shares.Append("a", 1, 400);
  shares.Sync(1);
  ASSERT_TRUE(shares.MayAdd("idle", 0, 0));
  ASSERT_TRUE(shares.MayAdd("b", 0, 30'000));
  shares.Forget(Shares::kActiveFor - 1);
  EXPECT_EQ(shares.active(), 3U);
  shares.Forget(Shares::kActiveFor);
  EXPECT_EQ(shares.active(), 2U) << "a holds something, b came a short while ago";
  EXPECT_EQ(shares.BytesOf("a"), 400U);
  EXPECT_TRUE(shares.MayAdd("a", 600, Shares::kActiveFor)) << "a half is more than a third";
}

TEST(Shares, StayExactAndBoundedWhoeverCounts) {
  constexpr std::uint64_t kMembers = 20'000;
  constexpr std::uint64_t kRecords = 400'000;
  Shares shares(kRecords * 10);
  for (std::uint64_t sequence = 1; sequence <= kRecords; ++sequence) {
    shares.Append(std::to_string(sequence % kMembers), sequence, 10);
    shares.Sync(sequence);
    ASSERT_LE(shares.entries(), Shares::kMostEntries + kMembers);
  }
  EXPECT_EQ(shares.BytesOf("7"), kRecords / kMembers * 10);
  shares.Pass(kRecords);
  EXPECT_EQ(shares.BytesOf("7"), 0U);
  EXPECT_EQ(shares.entries(), 0U);
}

// One floods, three send a little; the reader takes less than all of them bring.
TEST(Shares, LetTheModestGoOnThroughAQueueThatOneFloods) {
  Shares shares(kMost);
  std::uint64_t sequence = 0;
  std::uint64_t floor = 0;
  std::uint64_t refused_modest = 0;
  std::uint64_t refused_greedy = 0;
  for (std::uint64_t round = 0; round < 2000; ++round) {
    for (const char* who : {"greedy", "greedy", "greedy", "greedy", "a", "b", "c"}) {
      const std::uint64_t used = sequence - floor;  // a byte each
      const bool room = used < kMost && shares.MayAdd(who, used, round);
      if (!room) ++(*who == 'g' ? refused_greedy : refused_modest);
      if (room) shares.Append(who, ++sequence, 1);
    }
    shares.Sync(sequence);
    floor = std::min(sequence, floor + 5);
    shares.Pass(floor);
  }
  EXPECT_GT(refused_greedy, 3000U) << "it gets what the others leave";
  EXPECT_EQ(refused_modest, 0U);
}

}  // namespace
}  // namespace postern::store
