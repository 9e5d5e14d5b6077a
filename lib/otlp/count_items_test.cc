#include "lib/otlp/count_items.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/otlp/otlp.pb.h"
#include "lib/otlp/testing/sample.h"

namespace postern::otlp {
namespace {

TEST(CountItems, CountsTheRecordsOfEachSignal) {
  for (const Signal signal : {Signal::kLogs, Signal::kMetrics, Signal::kTraces}) {
    for (const std::size_t records : {0, 1, 2, 500}) {
      const auto items = CountItems(signal, MakeExport(signal, {.records = records}));
      ASSERT_TRUE(items) << items.error();
      EXPECT_EQ(*items, records);
    }
  }
}

TEST(CountItems, CountsMergedExportsTogether) {
  const std::string merged = MakeExport(Signal::kTraces, {.records = 2, .seed = 1}) +
                             MakeExport(Signal::kTraces, {.records = 3, .seed = 2});
  EXPECT_EQ(CountItems(Signal::kTraces, merged), 5U);
}

TEST(CountItems, CountsDataPointsOfEveryKindOfMetric) {
  wire::ExportMetricsRequest request;
  auto& scope = *request.add_resource_metrics()->add_scope_metrics();
  scope.add_metrics()->mutable_gauge()->add_data_points();
  scope.add_metrics()->mutable_sum()->add_data_points();
  scope.add_metrics()->mutable_histogram()->add_data_points();
  scope.add_metrics()->mutable_exponential_histogram()->add_data_points();
  auto& summary = *scope.add_metrics()->mutable_summary();
  summary.add_data_points();
  summary.add_data_points();
  scope.add_metrics()->set_name("without data");
  EXPECT_EQ(CountItems(Signal::kMetrics, request.SerializeAsString()), 6U);
}

TEST(CountItems, RefusesWhatIsNoProtobufOnTheWay) {
  for (const char* bytes : {"\x0A\x05\x12", "\x0A\x01\x12", "text"}) {
    const auto items = CountItems(Signal::kLogs, bytes);
    ASSERT_FALSE(items) << bytes;
    EXPECT_EQ(items.error().code(), base::Code::kInvalid);
  }
}

}  // namespace
}  // namespace postern::otlp
