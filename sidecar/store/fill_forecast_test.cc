#include "sidecar/store/fill_forecast.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace postern::store {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

struct Look {
  int second;
  std::uint64_t needed;
};

struct Case {
  const char* when;
  std::vector<Look> looks;
  std::uint64_t room;
  double then;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.when; }

const Case kCases[] = {
    {"nobody has looked yet", {}, 1000, kNever},
    {"one look says nothing of growth", {{0, 500}}, 1000, kNever},
    {"a few seconds are too little to go by", {{0, 0}, {9, 900}}, 1000, kNever},
    {"ten seconds are enough", {{0, 0}, {10, 1000}}, 1000, 10},
    {"nobody is behind", {{0, 0}, {10, 0}, {20, 0}}, 1000, kNever},
    {"readers are behind, and hold their distance", {{0, 700}, {30, 700}}, 1000, kNever},
    {"readers catch up", {{0, 900}, {30, 300}}, 1000, kNever},
    {"the net of ups and downs counts", {{0, 0}, {20, 800}, {40, 400}}, 1000, 100},
    {"there is no room", {{0, 0}, {20, 800}}, 0, 0},
    {"what was longer than a minute ago is forgotten",
     {{0, 0}, {30, 6000}, {60, 6000}, {90, 6000}},
     1000,
     kNever},
    {"looks that are far apart count from the one before the window", {{0, 0}, {100, 100}}, 50, 50},
};

class FillForecastTest : public testing::TestWithParam<Case> {};

TEST_P(FillForecastTest, Tells) {
  FillForecast forecast;
  const base::Instant start = base::Instant() + std::chrono::hours(1);
  for (const Look& look : GetParam().looks) {
    forecast.Look(start + std::chrono::seconds(look.second), look.needed);
  }
  EXPECT_DOUBLE_EQ(forecast.SecondsToFull(GetParam().room), GetParam().then);
}

INSTANTIATE_TEST_SUITE_P(Table, FillForecastTest, testing::ValuesIn(kCases));

TEST(FillForecast, HoldsNoMoreThanAWindow) {
  FillForecast forecast;
  base::Instant now;
  // Falls for an hour, then grows by a byte a second: after a minute only that counts.
  for (int second = 0; second < 3600; ++second, now += std::chrono::seconds(1)) {
    forecast.Look(now, static_cast<std::uint64_t>(1'000'000 - second));
  }
  for (int second = 0; second < 61; ++second, now += std::chrono::seconds(1)) {
    forecast.Look(now, static_cast<std::uint64_t>(10 + second));
  }
  EXPECT_DOUBLE_EQ(forecast.growth(), 1);
}

}  // namespace
}  // namespace postern::store
