#include "lib/otlp/testing/sample.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/otlp/to_json.h"

namespace postern::otlp {
namespace {

TEST(Sample, HasTheSizeOfARealLogRecord) {
  EXPECT_NEAR(static_cast<double>(MakeExport(Signal::kLogs, {}).size()), 332, 8);
}

TEST(Sample, GivesTheIdsOfItsRecordsBack) {
  for (const Signal signal : {Signal::kLogs, Signal::kMetrics, Signal::kTraces}) {
    const Sample sample{.records = 50, .seed = 9};
    const std::string body = MakeExport(signal, sample);
    EXPECT_EQ(RecordIds(signal, body), SampleIds(sample));
    std::string line;
    ASSERT_TRUE(AppendJsonLine(signal, body, line));
    EXPECT_EQ(RecordIdsOfJson(signal, line), SampleIds(sample));
  }
}

TEST(Sample, IsTheSameForASeedAndAnotherForAnother) {
  const Sample sample{.records = 3, .seed = 1};
  EXPECT_EQ(MakeExport(Signal::kLogs, sample), MakeExport(Signal::kLogs, sample));
  std::set<std::string> ids;
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    for (const std::string& id : SampleIds({.records = 100, .seed = seed})) ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 300U);
}

TEST(Sample, GrowsByItsFiller) {
  const std::size_t plain = MakeExport(Signal::kTraces, {.records = 10}).size();
  EXPECT_GT(MakeExport(Signal::kTraces, {.records = 10, .filler_bytes = 1000}).size(),
            plain + 10'000);
}

}  // namespace
}  // namespace postern::otlp
