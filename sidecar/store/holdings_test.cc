#include "sidecar/store/holdings.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace postern::store {
namespace {

struct Added {
  std::uint64_t after;
  std::uint64_t through;
  std::uint64_t age;
};

struct Case {
  const char* when;
  std::vector<Added> added;
  std::uint64_t floor;
  std::optional<std::uint64_t> then;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.when; }

const Case kCases[] = {
    {"nothing is known", {}, 0, std::nullopt},
    {"nothing is done", {{0, 5, 1000}, {5, 9, 3000}}, 0, 1000},
    {"a part of a span is done", {{0, 5, 1000}, {5, 9, 3000}}, 3, 1000},
    {"a span is done", {{0, 5, 1000}, {5, 9, 3000}}, 5, 3000},
    {"all is done", {{0, 5, 1000}, {5, 9, 3000}}, 9, std::nullopt},
    {"what came within a second shares its oldest age", {{0, 5, 1000}, {5, 9, 1999}}, 5, 1000},
    {"a second later does not", {{0, 5, 1000}, {5, 9, 2000}}, 5, 2000},
    {"numbers are missing between two", {{0, 5, 1000}, {5, 700, 5000}}, 5, 5000},
    {"the oldest is read back after the newest came", {{90, 95, 9000}, {0, 5, 1000}}, 0, 1000},
    {"nobody has read yet what the floor is at", {{90, 95, 9000}, {0, 5, 1000}}, 50, 9000},
    {"it is read again, from the middle", {{0, 9, 1000}, {9, 12, 4000}, {4, 9, 1000}}, 8, 1000},
    {"it is read again, whole", {{0, 5, 1000}, {5, 9, 3000}, {0, 5, 1000}}, 5, 3000},
    {"half of what is read is known", {{5, 9, 3000}, {0, 7, 1000}}, 0, 1000},
    {"half of what is read is known: that keeps its age", {{5, 9, 3000}, {0, 7, 1000}}, 6, 3000},
};

class HoldingsTest : public testing::TestWithParam<Case> {};

TEST_P(HoldingsTest, TellsTheOldestAge) {
  Holdings holdings;
  for (const Added& added : GetParam().added) {
    holdings.Add(added.after, added.through, added.age);
  }
  EXPECT_EQ(holdings.OldestAge(GetParam().floor), GetParam().then);
  holdings.Pass(GetParam().floor);
  EXPECT_EQ(holdings.OldestAge(GetParam().floor), GetParam().then) << "forgetting changes nothing";
}

INSTANTIATE_TEST_SUITE_P(Table, HoldingsTest, testing::ValuesIn(kCases));

TEST(Holdings, StaySmallHoweverLongNothingIsDone) {
  Holdings holdings;
  constexpr std::uint64_t kSeconds = 100'000;
  for (std::uint64_t second = 0; second < kSeconds; ++second) {
    holdings.Add(second, second + 1, second * 1000);
    ASSERT_LE(holdings.spans(), Holdings::kMostSpans);
  }
  EXPECT_EQ(holdings.OldestAge(0), 0U);
  // Told too old rather than too young, and by no more than a small part of all.
  const std::uint64_t half = *holdings.OldestAge(kSeconds / 2);
  EXPECT_LE(half, kSeconds / 2 * 1000);
  EXPECT_GT(half, kSeconds / 2 * 1000 - 64'000);
  holdings.Pass(kSeconds);
  EXPECT_EQ(holdings.spans(), 0U);
}

}  // namespace
}  // namespace postern::store
