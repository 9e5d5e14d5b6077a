#include "lib/queue/cursors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"

namespace postern::queue {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using Ranges = std::map<std::uint64_t, std::uint64_t>;

TEST(CursorTable, MovesAFloorOverWhatIsDone) {
  struct Done {
    std::uint64_t after;
    std::uint64_t through;
  };
  const struct {
    const char* when;
    std::vector<Done> done;
    std::uint64_t floor;
    Ranges ranges;
  } kCases[] = {
      {"nothing is done", {}, 10, {}},
      {"the next records are", {{10, 15}}, 15, {}},
      {"more than the next, from below", {{3, 15}}, 15, {}},
      {"what was done before", {{3, 9}, {10, 15}, {10, 12}}, 15, {}},
      {"some above a hole", {{12, 15}}, 10, {{12, 15}}},
      {"then the hole", {{12, 15}, {10, 12}}, 15, {}},
      {"two that touch above a hole", {{12, 15}, {15, 18}}, 10, {{12, 18}}},
      {"two that touch, the upper first", {{15, 18}, {12, 15}}, 10, {{12, 18}}},
      {"one over others", {{12, 13}, {15, 16}, {20, 21}, {11, 18}}, 10, {{11, 18}, {20, 21}}},
      {"a hole that several ranges follow", {{12, 15}, {18, 20}, {10, 12}}, 15, {{18, 20}}},
      {"an empty range", {{12, 12}, {15, 13}}, 10, {}},
  };
  for (const auto& c : kCases) {
    CursorTable table;
    ASSERT_THAT(table.Add("a", 10), IsOk());
    for (const Done& done : c.done) {
      ASSERT_THAT(table.Done("a", done.after, done.through), IsOk()) << c.when;
    }
    EXPECT_EQ(table.Find("a")->floor, c.floor) << c.when;
    EXPECT_EQ(table.Find("a")->ranges, c.ranges) << c.when;
  }
}

TEST(CursorTable, AgreesWithASetOfRecordsInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    CursorTable table;
    ASSERT_THAT(table.Add("a", 0), IsOk());
    std::vector<bool> done(100, false);
    done[0] = true;
    while (!std::all_of(done.begin(), done.end(), [](bool one) { return one; })) {
      const std::uint64_t after = random() % 99;
      const std::uint64_t through = after + 1 + random() % std::min<std::uint64_t>(5, 99 - after);
      ASSERT_THAT(table.Done("a", after, through), IsOk());
      std::fill(done.begin() + static_cast<long>(after) + 1,
                done.begin() + static_cast<long>(through) + 1, true);
      const auto floor = std::find(done.begin(), done.end(), false) - done.begin() - 1;
      ASSERT_EQ(table.Find("a")->floor, static_cast<std::uint64_t>(floor)) << "seed " << seed;
      for (const auto& [from, to] : table.Find("a")->ranges) {
        ASSERT_FALSE(done[from]) << "ranges stay apart, seed " << seed;
        for (std::uint64_t i = from + 1; i <= to; ++i) ASSERT_TRUE(done[i]) << "seed " << seed;
      }
      for (std::uint64_t i = 1; i < done.size(); ++i) {
        ASSERT_EQ(table.Find("a")->IsDone(i), done[i]) << i << ", seed " << seed;
      }
    }
    EXPECT_TRUE(table.Find("a")->ranges.empty());
  }
}

TEST(CursorTable, HoldsBackByTheLowestFloor) {
  CursorTable table;
  EXPECT_EQ(table.floor(), 0U) << "nobody says that anything is done";
  ASSERT_THAT(table.Add("a", 10), IsOk());
  ASSERT_THAT(table.Add("b", 20), IsOk());
  ASSERT_THAT(table.Add("a", 99), IsOk());
  EXPECT_EQ(table.floor(), 10U) << "adding it again moves nothing";
  ASSERT_THAT(table.Remove("a"), IsOk());
  EXPECT_EQ(table.floor(), 20U);
  EXPECT_THAT(table.Remove("a"), HasCode(Code::kNotFound));
  EXPECT_THAT(table.Done("a", 10, 11), HasCode(Code::kNotFound));
}

TEST(CursorTable, IsBounded) {
  CursorTable table;
  EXPECT_THAT(table.Add("", 0), HasCode(Code::kInvalid));
  EXPECT_THAT(table.Add(std::string(65, 'n'), 0), HasCode(Code::kInvalid));
  for (std::size_t i = 0; i < CursorTable::kMostCursors; ++i) {
    const std::string name = std::string(63, 'n') + static_cast<char>('a' + i);
    ASSERT_THAT(table.Add(name, 0), IsOk());
    for (std::uint64_t j = 1; j <= CursorTable::kMostRanges; ++j) {
      ASSERT_THAT(table.Done(name, 2 * j, 2 * j + 1), IsOk());
    }
    EXPECT_THAT(table.Done(name, 5000, 5001), HasCode(Code::kExhausted));
    EXPECT_THAT(table.Done(name, 2, 4), IsOk()) << "which joins two";
    EXPECT_THAT(table.Done(name, 5000, 5001), IsOk());
  }
  EXPECT_THAT(table.Add("one more", 0), HasCode(Code::kExhausted));
  EXPECT_LE(table.Encode().size(), CursorTable::kMostBytes);
  EXPECT_EQ(*CursorTable::Parse(table.Encode()), table);
}

TEST(CursorTable, IsRefusedWhereBytesAreMissingOrTooMany) {
  CursorTable table;
  ASSERT_THAT(table.Add("a", 10), IsOk());
  ASSERT_THAT(table.Done("a", 12, 15), IsOk());
  const std::string bytes = table.Encode();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(CursorTable::Parse(std::string_view(bytes).substr(0, i))) << i;
  }
  EXPECT_THAT(CursorTable::Parse(bytes + "x"), HasCode(Code::kCorrupt));
}

}  // namespace
}  // namespace postern::queue
