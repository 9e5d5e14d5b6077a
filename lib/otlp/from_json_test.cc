#include "lib/otlp/from_json.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/otlp/otlp.pb.h"
#include "lib/otlp/testing/sample.h"
#include "lib/otlp/to_json.h"

namespace postern::otlp {
namespace {

using base::Code;

std::string LogWith(const std::string& record) {
  return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + record + "]}]}]}";
}

wire::LogRecord ReadRecord(const std::string& record) {
  const auto protobuf = FromJson(Signal::kLogs, LogWith(record));
  EXPECT_TRUE(protobuf) << record << ": " << protobuf.error();
  wire::ExportLogsRequest request;
  EXPECT_TRUE(protobuf && request.ParseFromString(*protobuf));
  return request.resource_logs(0).scope_logs(0).log_records(0);
}

TEST(FromJson, GivesBackEveryExportThatWasPrinted) {
  for (const Signal signal : {Signal::kLogs, Signal::kMetrics, Signal::kTraces}) {
    for (std::uint32_t seed = 0; seed < 20; ++seed) {
      const std::string protobuf =
          MakeExport(signal, {.records = seed, .seed = seed, .filler_bytes = seed % 3 * 50});
      std::string line;
      ASSERT_TRUE(AppendJsonLine(signal, protobuf, line));
      const auto back = FromJson(signal, line);
      ASSERT_TRUE(back) << back.error();
      EXPECT_EQ(*back, protobuf) << line;
    }
  }
}

TEST(FromJson, TakesEveryFormThatSendersUse) {
  const struct {
    const char* when;
    const char* record;
    bool (*then)(const wire::LogRecord&);
  } kCases[] = {
      {"a 64-bit integer is a string", R"({"timeUnixNano":"18446744073709551615"})",
       [](const auto& r) { return r.time_unix_nano() == 18446744073709551615U; }},
      {"a 64-bit integer is a number", R"({"timeUnixNano":18446744073709551615})",
       [](const auto& r) { return r.time_unix_nano() == 18446744073709551615U; }},
      {"a 32-bit integer is a string", R"({"severityNumber":"9"})",
       [](const auto& r) { return r.severity_number() == 9; }},
      {"a negative integer", R"({"body":{"intValue":-7}})",
       [](const auto& r) { return r.body().int_value() == -7; }},
      {"a double is whole", R"({"body":{"doubleValue":3}})",
       [](const auto& r) { return r.body().double_value() == 3; }},
      {"a double is a string", R"({"body":{"doubleValue":"2.5e3"}})",
       [](const auto& r) { return r.body().double_value() == 2500; }},
      {"an id is in capitals", R"({"spanId":"EEE19B7EC3C1B174"})",
       [](const auto& r) { return r.span_id() == "\xEE\xE1\x9B\x7E\xC3\xC1\xB1\x74"; }},
      {"bytes are base64url without padding", R"({"body":{"bytesValue":"__4"}})",
       [](const auto& r) { return r.body().bytes_value() == "\xFF\xFE"; }},
      {"a key is unknown, whatever it holds", R"({"future":{"a":[{}]},"flags":1})",
       [](const auto& r) { return r.flags() == 1; }},
      {"a key has its protobuf name, which OTLP does not allow", R"({"severity_number":9})",
       [](const auto& r) { return r.severity_number() == 0; }},
      {"a field is null", R"({"body":null,"attributes":null})",
       [](const auto& r) { return !r.has_body() && r.attributes_size() == 0; }},
      {"a value that is set to nothing stays set", R"({"body":{"stringValue":""}})",
       [](const auto& r) { return r.body().value_case() == wire::AnyValue::kStringValue; }},
  };
  for (const auto& c : kCases) EXPECT_TRUE(c.then(ReadRecord(c.record))) << c.when;
}

TEST(FromJson, NamesThePlaceOfWhatItRefuses) {
  const struct {
    const char* when;
    const char* record;
    const char* then;
  } kCases[] = {
      {"an id is not hex", R"({"traceId":"xyz0"})", "traceId: not hex digits in pairs"},
      {"an id has half a byte", R"({"traceId":"abc"})", "traceId: not hex digits in pairs"},
      {"bytes are not base64", R"({"body":{"bytesValue":"a"}})", "body.bytesValue: not base64"},
      {"an enumeration is a name", R"({"severityNumber":"SEVERITY_NUMBER_INFO"})",
       "severityNumber: not a whole number that fits"},
      {"an integer is too wide", R"({"severityNumber":2147483648})",
       "severityNumber: not a whole number that fits"},
      {"an unsigned integer is negative", R"({"timeUnixNano":"-1"})",
       "timeUnixNano: not a whole number that fits"},
      {"an integer has a fraction", R"({"timeUnixNano":1.5})",
       "timeUnixNano: not a whole number that fits"},
      {"a double is a word", R"({"body":{"doubleValue":"much"}})",
       "body.doubleValue: not a number"},
      {"a double is beyond all", R"({"body":{"doubleValue":"1e999"}})",
       "body.doubleValue: not a number"},
      {"a number is an object", R"({"flags":{}})", "flags: not a number but an object"},
      {"text is a number", R"({"severityText":9})", "severityText: not a string but a number"},
      {"truth is a word", R"({"body":{"boolValue":"true"}})",
       "body.boolValue: not true or false but a string"},
      {"a message is a list", R"({"body":[]})", "body: not an object but an array"},
      {"a list is a message", R"({"attributes":{}})", "attributes: not an array but an object"},
      {"an element is wrong", R"({"attributes":[{"key":"a"},{"key":1}]})",
       "attributes[1].key: not a string but a number"},
      {"a value has two kinds", R"({"body":{"stringValue":"a","intValue":"1"}})",
       "body.intValue: a second value where one is allowed"},
  };
  for (const auto& c : kCases) {
    const auto protobuf = FromJson(Signal::kLogs, LogWith(c.record));
    ASSERT_FALSE(protobuf) << c.when;
    EXPECT_EQ(protobuf.error().code(), Code::kInvalid) << c.when;
    EXPECT_EQ(protobuf.error().message(),
              "resourceLogs[0].scopeLogs[0].logRecords[0]." + std::string(c.then))
        << c.when;
  }
}

TEST(FromJson, RefusesWhatIsNoExport) {
  for (const char* text : {"", "[]", "null", "{\"resourceLogs\":", "{} {}"}) {
    const auto protobuf = FromJson(Signal::kLogs, text);
    ASSERT_FALSE(protobuf) << text;
    EXPECT_EQ(protobuf.error().code(), Code::kInvalid) << text;
  }
}

TEST(FromJson, BoundsTheDepthOfValues) {
  const auto nested = [](int levels) {
    std::string open = R"({"body":)";
    std::string close;
    for (int i = 0; i < levels; ++i) {
      open += R"({"arrayValue":{"values":[)";
      close += "]}}";
    }
    return LogWith(open + "{}" + close + "}");
  };
  EXPECT_TRUE(FromJson(Signal::kLogs, nested(48)));
  EXPECT_FALSE(FromJson(Signal::kLogs, nested(49)));
  EXPECT_FALSE(FromJson(Signal::kLogs, nested(2'000)));
}

}  // namespace
}  // namespace postern::otlp
