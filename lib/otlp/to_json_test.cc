#include "lib/otlp/to_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "lib/otlp/from_json.h"
#include "lib/otlp/otlp.pb.h"
#include "lib/otlp/testing/sample.h"

namespace postern::otlp {
namespace {

using base::Code;

std::string Line(Signal signal, std::string_view protobuf) {
  std::string out;
  const auto status = AppendJsonLine(signal, protobuf, out);
  EXPECT_TRUE(status) << status.error();
  return out;
}

wire::LogRecord& AddRecord(wire::ExportLogsRequest& request) {
  return *request.add_resource_logs()->add_scope_logs()->add_log_records();
}

// Returns what stands inside of {"resourceLogs":[{"scopeLogs":[{"logRecords":[…]}]}]}.
std::string RecordLine(const std::function<void(wire::LogRecord&)>& fill) {
  wire::ExportLogsRequest request;
  fill(AddRecord(request));
  const std::string line = Line(Signal::kLogs, request.SerializeAsString());
  const std::string before = R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)";
  const std::string after = "]}]}]}\n";
  EXPECT_TRUE(line.starts_with(before) && line.ends_with(after)) << line;
  return line.substr(before.size(), line.size() - before.size() - after.size());
}

// Returns `message` inside of others: each of `tags` begins the next one outward.
std::string Inside(std::string message, std::string_view tags) {
  for (const char tag : tags) {
    const std::string head{tag, static_cast<char>(message.size())};
    message.insert(0, head);
  }
  return message;
}

// An export of one log record, whose bytes are given.
std::string WithRecord(const std::string& record) { return Inside(record, "\x12\x12\x0A"); }

// An export of one data point of an exponential histogram, whose positive buckets are given.
std::string WithBuckets(const std::string& buckets) {
  return Inside(buckets, "\x42\x0A\x52\x12\x12\x0A");
}

std::string Nested(int levels) {
  wire::ExportLogsRequest request;
  wire::AnyValue* value = AddRecord(request).mutable_body();
  for (int i = 0; i < levels; ++i) value = value->mutable_array_value()->add_values();
  return request.SerializeAsString();
}

TEST(AppendJsonLine, WritesALogRecordAsTheProtocolHasIt) {
  const std::string record = RecordLine([](wire::LogRecord& log) {
    log.set_time_unix_nano(1'544'712'660'300'000'000);
    log.set_severity_number(10);
    log.set_severity_text("Information");
    log.set_trace_id("\x5B\x8E\xFF\xF7\x98\x03\x81\x03\xD2\x69\xB6\x33\x81\x3F\xC6\x0C");
    log.set_span_id("\xEE\xE1\x9B\x7E\xC3\xC1\xB1\x74");
    log.mutable_body()->set_string_value("Example log record");
    log.set_flags(1);
  });
  EXPECT_EQ(
      record,
      R"({"timeUnixNano":"1544712660300000000","severityNumber":10,"severityText":"Information",)"
      R"("body":{"stringValue":"Example log record"},"flags":1,)"
      R"("traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"})");
}

TEST(AppendJsonLine, WritesEachKindOfValueInItsForm) {
  using Fill = void (*)(wire::AnyValue&);
  const struct {
    const char* when;
    Fill fill;
    const char* then;
  } kCases[] = {
      {"nothing is set", [](wire::AnyValue&) {}, "{}"},
      {"text is empty", [](wire::AnyValue& v) { v.set_string_value(""); }, R"({"stringValue":""})"},
      {"truth is false", [](wire::AnyValue& v) { v.set_bool_value(false); },
       R"({"boolValue":false})"},
      {"an integer is 64 bits wide",
       [](wire::AnyValue& v) { v.set_int_value(std::numeric_limits<std::int64_t>::min()); },
       R"({"intValue":"-9223372036854775808"})"},
      {"a double needs all digits", [](wire::AnyValue& v) { v.set_double_value(0.1 + 0.2); },
       R"({"doubleValue":0.30000000000000004})"},
      {"a double is whole", [](wire::AnyValue& v) { v.set_double_value(2); },
       R"({"doubleValue":2})"},
      {"a double is none", [](wire::AnyValue& v) { v.set_double_value(std::nan("")); },
       R"({"doubleValue":"NaN"})"},
      {"a double is infinite", [](wire::AnyValue& v) { v.set_double_value(-INFINITY); },
       R"({"doubleValue":"-Infinity"})"},
      {"bytes are base64", [](wire::AnyValue& v) { v.set_bytes_value("\xFF\xFE"); },
       R"({"bytesValue":"//4="})"},
      {"a list has an empty value",
       [](wire::AnyValue& v) {
         v.mutable_array_value()->add_values()->set_int_value(1);
         v.mutable_array_value()->add_values();
       },
       R"({"arrayValue":{"values":[{"intValue":"1"},{}]}})"},
      {"a map has a list",
       [](wire::AnyValue& v) {
         wire::KeyValue& entry = *v.mutable_kvlist_value()->add_values();
         entry.set_key("k");
         entry.mutable_value()->mutable_array_value();
       },
       R"({"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{}}}]}})"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(RecordLine([&c](wire::LogRecord& log) { c.fill(*log.mutable_body()); }),
              R"({"body":)" + std::string(c.then) + "}")
        << c.when;
  }
}

TEST(AppendJsonLine, WritesTheNumbersOfEveryMetricKind) {
  wire::ExportMetricsRequest request;
  auto& scope = *request.add_resource_metrics()->add_scope_metrics();
  auto& sum = *scope.add_metrics()->mutable_sum();
  sum.set_aggregation_temporality(2);
  sum.set_is_monotonic(true);
  sum.add_data_points()->set_as_int(-5);
  auto& histogram = *scope.add_metrics()->mutable_histogram()->add_data_points();
  histogram.set_count(3);
  histogram.set_sum(0);  // may be left out, so 0 is said
  histogram.add_bucket_counts(1);
  histogram.add_bucket_counts(2);
  histogram.add_explicit_bounds(0.5);
  auto& exponential = *scope.add_metrics()->mutable_exponential_histogram()->add_data_points();
  exponential.set_scale(-3);
  exponential.mutable_positive()->set_offset(-1);
  exponential.mutable_positive()->add_bucket_counts(7);
  auto& summary = *scope.add_metrics()->mutable_summary()->add_data_points();
  summary.add_quantile_values()->set_quantile(0.99);
  EXPECT_EQ(
      Line(Signal::kMetrics, request.SerializeAsString()),
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[)"
      R"({"sum":{"dataPoints":[{"asInt":"-5"}],"aggregationTemporality":2,"isMonotonic":true}},)"
      R"({"histogram":{"dataPoints":[{"count":"3","sum":0,"bucketCounts":["1","2"],"explicitBounds":[0.5]}]}},)"
      R"({"exponentialHistogram":{"dataPoints":[{"scale":-3,"positive":{"offset":-1,"bucketCounts":["7"]}}]}},)"
      R"({"summary":{"dataPoints":[{"quantileValues":[{"quantile":0.99}]}]}}]}]}]})"
      "\n");
}

TEST(AppendJsonLine, WritesASpanWithEventLinkAndStatus) {
  wire::ExportTraceRequest request;
  auto& span = *request.add_resource_spans()->add_scope_spans()->add_spans();
  span.set_parent_span_id("\x01\x02");
  span.set_kind(2);
  span.add_events()->set_name("retry");
  span.add_links()->set_trace_id("\xAB");
  span.mutable_status()->set_code(2);
  EXPECT_EQ(Line(Signal::kTraces, request.SerializeAsString()),
            R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"parentSpanId":"0102","kind":2,)"
            R"("events":[{"name":"retry"}],"links":[{"traceId":"ab"}],"status":{"code":2}}]}]}]})"
            "\n");
}

TEST(AppendJsonLine, WritesMergedExportsAsOne) {
  const std::string one = MakeExport(Signal::kLogs, {.records = 2, .seed = 1});
  const std::string other = MakeExport(Signal::kLogs, {.records = 3, .seed = 2});
  const std::string line = Line(Signal::kLogs, one + other);
  EXPECT_EQ(RecordIdsOfJson(Signal::kLogs, line), RecordIds(Signal::kLogs, one + other));
  EXPECT_EQ(RecordIdsOfJson(Signal::kLogs, line).size(), 5U);
}

TEST(AppendJsonLine, TakesWhatOddSendersWrite) {
  const struct {
    const char* when;
    std::string record;
    const char* then;
  } kCases[] = {
      {"an unknown field is there", {"\xA0\x06\x01\x10\x09", 5}, R"({"severityNumber":9})"},
      {"a known field has another type", "\x12\x01x\x18\x01", "{}"},
      {"a field that may come once comes twice", "\x10\x09\x10\x0A", R"({"severityNumber":10})"},
      {"the last of two is what leaving it out means", {"\x10\x09\x10\x00", 4}, "{}"},
      {"a value has two kinds", "\x2A\x05\x18\x01\x0A\x01x", R"({"body":{"stringValue":"x"}})"},
      {"attributes stand apart",
       "\x32\x03\x0A\x01"
       "a\x10\x09\x32\x03\x0A\x01"
       "b",
       R"({"severityNumber":9,"attributes":[{"key":"a"},{"key":"b"}]})"},
      {"text is no UTF-8",
       "\x1A\x03"
       "a\xFF"
       "b",
       "{\"severityText\":\"a\xEF\xBF\xBD"
       "b\"}"},
      {"text would break the line",
       "\x1A\x04"
       "a\n\"\\",
       R"({"severityText":"a\n\"\\"})"},
      {"a 32-bit number is 64 bits wide", "\x10\x89\x80\x80\x80\x10", R"({"severityNumber":9})"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(
        Line(Signal::kLogs, WithRecord(c.record)),
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + std::string(c.then) + "]}]}]}\n")
        << c.when;
  }
}

TEST(AppendJsonLine, TakesPackedAndSingleNumbersInOneList) {
  const std::string line = Line(Signal::kMetrics, WithBuckets("\x10\x01\x12\x02\x02\x03\x10\x04"));
  EXPECT_NE(line.find(R"("positive":{"bucketCounts":["1","2","3","4"]})"), std::string::npos)
      << line;
}

TEST(AppendJsonLine, RefusesWhatIsNoProtobufAndAppendsNothing) {
  const struct {
    const char* when;
    std::string bytes;
  } kCases[] = {
      {"text came", "{\"resourceLogs\":[]}"},
      {"a length goes beyond the end", "\x0A\x05\x12"},
      {"a number does not end", "\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
      {"field 0", {"\x00\x01", 2}},
      {"a group begins", "\x0B\x0C"},
      {"a wire type that is none", "\x0E"},
      {"the damage is deep inside", WithRecord("\x2A\x02\x0A\x09")},
  };
  for (const auto& c : kCases) {
    std::string out = "earlier line\n";
    const auto status = AppendJsonLine(Signal::kLogs, c.bytes, out);
    ASSERT_FALSE(status) << c.when;
    EXPECT_EQ(status.error().code(), Code::kInvalid) << c.when;
    EXPECT_EQ(out, "earlier line\n") << c.when;
  }
  std::string out;
  EXPECT_FALSE(AppendJsonLine(Signal::kMetrics, WithBuckets("\x12\x01\x80"), out))
      << "a packed list ends inside of a number";
}

TEST(AppendJsonLine, BoundsTheDepthOfValues) {
  std::string out;
  // Export, resource, scope and record stand around the value; each list adds two messages.
  EXPECT_TRUE(AppendJsonLine(Signal::kLogs, Nested(48), out));
  EXPECT_TRUE(FromJson(Signal::kLogs, out)) << "what is printed can be read";
  EXPECT_FALSE(AppendJsonLine(Signal::kLogs, Nested(49), out));
  EXPECT_FALSE(AppendJsonLine(Signal::kLogs, Nested(2'000), out));
}

TEST(AppendJsonLine, TakesNoMoreMemoryThanItsLine) {
  std::string hostile;  // four million empty resources, two bytes each
  for (int i = 0; i < 4'000'000; ++i) hostile.append("\x0A\x00", 2);
  EXPECT_EQ(Line(Signal::kLogs, hostile).size(), 4'000'000 * 3 + 19U);
}

}  // namespace
}  // namespace postern::otlp
