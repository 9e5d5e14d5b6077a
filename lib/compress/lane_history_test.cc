#include "lib/compress/lane_history.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace postern::compress {
namespace {

TEST(LaneHistory, HoldsNothingBeforeTheFirstBatch) {
  const LaneHistory history;
  EXPECT_EQ(history.view(), "");
  EXPECT_EQ(history.bytes(), 0U);
}

TEST(LaneHistory, KeepsTheLastBytesHoweverTheyWereCutIntoBatches) {
  std::mt19937_64 random(7);
  for (const std::size_t limit : {0UL, 1UL, 10UL, 1000UL, LaneHistory::kMost}) {
    LaneHistory history(limit);
    std::string all;
    for (int batch = 0; batch < 200; ++batch) {
      std::string plain(random() % (batch % 10 == 0 ? 3 * limit + 2 : 300), '\0');
      for (char& c : plain) c = static_cast<char>(random());
      history.Append(plain);
      all += plain;
      ASSERT_EQ(history.view(),
                std::string_view(all).substr(all.size() - std::min(all.size(), limit)))
          << "limit " << limit << ", batch " << batch;
      ASSERT_LE(history.bytes(), limit);
    }
  }
}

TEST(LaneHistory, TakesMemoryAsTextComes) {
  LaneHistory history;
  history.Append("a record");
  EXPECT_LE(history.bytes(), 1024U);
  history.Append(std::string(5000, 'x'));
  EXPECT_LE(history.bytes(), 8192U);
}

TEST(LaneHistory, NeverKeepsMoreThanItsMost) {
  LaneHistory history(std::size_t{1} << 30);
  history.Append(std::string(100'000, 'x'));
  EXPECT_EQ(history.view().size(), LaneHistory::kMost);
  EXPECT_EQ(history.bytes(), LaneHistory::kMost);
}

TEST(LaneHistory, ReleaseGivesItsMemoryBack) {
  LaneHistory history;
  history.Append("a record");
  history.Release();
  EXPECT_EQ(history.view(), "");
  EXPECT_EQ(history.bytes(), 0U);
  history.Append("the next");
  EXPECT_EQ(history.view(), "the next");
}

}  // namespace
}  // namespace postern::compress
