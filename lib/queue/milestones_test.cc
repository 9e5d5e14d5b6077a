#include "lib/queue/milestones.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace postern::queue {
namespace {

TEST(Milestones, KnowWhatStandsAboveASequence) {
  Milestones milestones(16 * 1000);
  EXPECT_EQ(milestones.BytesAbove(0), 0U);
  milestones.Add(1, 10, 1000);
  milestones.Add(11, 11, 500);
  struct Case {
    const char* when;
    std::uint64_t sequence;
    std::uint64_t then;
  };
  const Case cases[] = {
      {"before all of it", 0, 1500},        {"before some of a run", 5, 1000},
      {"at the end of a run", 10, 500},     {"at the last", 11, 0},
      {"above everything there is", 12, 0},
  };
  for (const Case& row : cases) {
    EXPECT_EQ(milestones.BytesAbove(row.sequence), row.then) << row.when;
  }
}

TEST(Milestones, NameTheHighestSequenceThatHasMoreThanThatAboveIt) {
  Milestones milestones(16 * 100);
  EXPECT_EQ(milestones.SequenceBehind(0), 0U) << "nothing is there";
  for (std::uint64_t i = 1; i <= 10; ++i) milestones.Add(i, i, 100);
  struct Case {
    const char* when;
    std::uint64_t bytes;
    std::uint64_t then;
  };
  const Case cases[] = {
      {"anything is more", 0, 9},
      {"just as much is not more", 100, 8},
      {"one byte less is", 99, 9},
      {"all but the first", 899, 1},
      {"as much as there is above", 900, 0},
      {"more than there is", 5000, 0},
  };
  for (const Case& row : cases) {
    EXPECT_EQ(milestones.SequenceBehind(row.bytes), row.then) << row.when;
  }
}

TEST(Milestones, NeverNameOneThatHasLess) {
  Milestones milestones(16 * 1000);
  std::vector<std::uint64_t> ends = {0};  // bytes through each sequence
  for (std::uint64_t i = 1; i <= 500; ++i) {
    const std::uint64_t size = 1 + i * 7919 % 700;
    milestones.Add(i, i, size);
    ends.push_back(ends.back() + size);
  }
  for (std::uint64_t bytes = 0; bytes < ends.back(); bytes += 313) {
    const std::uint64_t behind = milestones.SequenceBehind(bytes);
    if (behind > 0) {
      EXPECT_GT(ends.back() - ends[behind], bytes) << bytes;
    }
    const std::uint64_t next = behind + 1;
    EXPECT_LE(ends.back() - ends[next], bytes + 1000) << "and no more than the spacing is missed";
  }
}

// A sequence is (open count << 40) + n: between two openings there is a gap.
TEST(Milestones, AreNotLedAstrayByAGapBetweenOpenings) {
  constexpr std::uint64_t kNext = std::uint64_t{2} << 40;
  Milestones milestones(16'000'000);
  milestones.Add(1, 10, 1000);
  milestones.Add(kNext + 1, kNext + 10, 1000);
  EXPECT_EQ(milestones.BytesAbove(kNext), 1000U);
  EXPECT_EQ(milestones.BytesAbove(kNext + 5), 500U);
  EXPECT_EQ(milestones.BytesAbove(5), 1500U);
}

TEST(Milestones, ForgetWhatNobodyAsksFor) {
  Milestones milestones(16 * 100);
  for (std::uint64_t i = 1; i <= 10; ++i) milestones.Add(i, i, 100);
  milestones.Forget(7);
  EXPECT_EQ(milestones.BytesAbove(8), 200U);
  EXPECT_EQ(milestones.BytesAbove(0), 300U) << "what is known";
  EXPECT_EQ(milestones.SequenceBehind(100), 8U);
  EXPECT_EQ(milestones.SequenceBehind(500), 0U);
  milestones.Forget(10);
  EXPECT_EQ(milestones.BytesAbove(10), 0U);
}

}  // namespace
}  // namespace postern::queue
