#include "sidecar/service/otlp/request_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace postern::service {
namespace {

using record::AnswerCode;
using record::Signal;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::Pair;

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kLogs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

RequestHeaders Headers(const Fields& more, const std::string& path = kLogs) {
  RequestHeaders headers;
  EXPECT_TRUE(headers.Take(":method", "POST"));
  EXPECT_TRUE(headers.Take(":path", path));
  EXPECT_TRUE(headers.Take("content-type", "application/grpc"));
  for (const auto& [name, value] : more) EXPECT_TRUE(headers.Take(name, value)) << name;
  return headers;
}

TEST(RequestHeaders, KnowThreeMethods) {
  struct Case {
    const char* path;
    Signal signal;
  };
  const Case kCases[] = {
      {kLogs, Signal::kLogs},
      {"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", Signal::kMetrics},
      {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", Signal::kTraces},
  };
  for (const Case& c : kCases) {
    const RequestHeaders headers = Headers({}, c.path);
    ASSERT_FALSE(headers.Fault()) << c.path;
    EXPECT_EQ(headers.signal(), c.signal) << c.path;
  }
}

TEST(RequestHeaders, TellWhatCannotBeServed) {
  struct Case {
    const char* when;
    Fields fields;
    AnswerCode then;
  };
  const Case kCases[] = {
      {"another method",
       {{":method", "POST"}, {":path", "/x/Y"}, {"content-type", "application/grpc"}},
       AnswerCode::kUnimplemented},
      {"a path that only begins like ours",
       {{":method", "POST"},
        {":path", std::string(kLogs) + "2"},
        {"content-type", "application/grpc"}},
       AnswerCode::kUnimplemented},
      {"no path at all", {{":method", "POST"}}, AnswerCode::kUnimplemented},
      {"a GET",
       {{":method", "GET"}, {":path", kLogs}, {"content-type", "application/grpc"}},
       AnswerCode::kInvalidArgument},
      {"OTLP/HTTP at the gRPC door",
       {{":method", "POST"}, {":path", kLogs}, {"content-type", "application/x-protobuf"}},
       AnswerCode::kInvalidArgument},
      {"no content type", {{":method", "POST"}, {":path", kLogs}}, AnswerCode::kInvalidArgument},
      {"an encoding that we do not undo",
       {{":method", "POST"},
        {":path", kLogs},
        {"content-type", "application/grpc"},
        {"grpc-encoding", "zstd"}},
       AnswerCode::kUnimplemented},
  };
  for (const Case& c : kCases) {
    RequestHeaders headers;
    for (const auto& [name, value] : c.fields) ASSERT_TRUE(headers.Take(name, value)) << c.when;
    ASSERT_TRUE(headers.Fault()) << c.when;
    EXPECT_EQ(headers.Fault()->code, c.then) << c.when;
    EXPECT_FALSE(headers.Fault()->message.empty()) << c.when;
  }
}

TEST(RequestHeaders, TakeGzipAndIdentity) {
  EXPECT_TRUE(Headers({{"grpc-encoding", "gzip"}}).gzip());
  EXPECT_FALSE(Headers({{"grpc-encoding", "gzip"}}).Fault());
  EXPECT_FALSE(Headers({{"grpc-encoding", "identity"}}).gzip());
  EXPECT_FALSE(Headers({{"grpc-encoding", "identity"}}).Fault());
  EXPECT_FALSE(Headers({{"content-type", "application/grpc+proto"}}).Fault());
}

TEST(RequestHeaders, PassOnOnlyWhatBeginsWithX) {
  RequestHeaders headers = Headers({{"authorization", "Bearer secret"},
                                    {"cookie", "session=secret"},
                                    {"x-tenant", "east"},
                                    {"user-agent", "otel"},
                                    {"x-tenant", "west"},
                                    {"grpc-timeout", "1S"}});
  EXPECT_THAT(headers.TakeMetadata(),
              ElementsAre(Pair("x-tenant", "east"), Pair("x-tenant", "west")));
}

TEST(RequestHeaders, RefuseTooManyAndTooLong) {
  struct Case {
    const char* when;
    std::string name;
    std::string value;
    int fit;  // that many are taken, the next is not
  };
  const Case kCases[] = {
      {"many headers", "a", "b", 61},
      {"many bytes in all", "a", std::string(4'000, 'b'), 4},
      {"one that is too long in all", "a", std::string(17'000, 'b'), 0},
      {"many that travel on", "x-a", "b", 32},
      {"one that travels on and is too long", "x-a", std::string(4'097, 'b'), 0},
      {"the longest that travels on", "x-a", std::string(4'096, 'b'), 3},
  };
  for (const Case& c : kCases) {
    RequestHeaders headers = Headers({});
    for (int i = 0; i < c.fit; ++i)
      ASSERT_TRUE(headers.Take(c.name, c.value)) << c.when << " " << i;
    EXPECT_FALSE(headers.Take(c.name, c.value)) << c.when;
  }
}

TEST(RequestHeaders, WaitAsLongAsTheClientWithinBounds) {
  struct Case {
    const char* when;
    Fields fields;
    base::Duration then;
  };
  const Case kCases[] = {
      {"nothing was said", {}, seconds(10)},
      {"the client said", {{"grpc-timeout", "30S"}}, seconds(30)},
      {"the client said nonsense", {{"grpc-timeout", "soon"}}, seconds(10)},
      {"the client would wait for days", {{"grpc-timeout", "99999999H"}}, minutes(10)},
      {"the client does not wait", {{"grpc-timeout", "0m"}}, seconds(0)},
  };
  for (const Case& c : kCases) EXPECT_EQ(Headers(c.fields).timeout(), c.then) << c.when;
}

TEST(ParseGrpcTimeout, ReadsDigitsAndAUnit) {
  struct Case {
    const char* text;
    std::optional<base::Duration> then;
  };
  const Case kCases[] = {
      {"1H", hours(1)},
      {"2M", minutes(2)},
      {"3S", seconds(3)},
      {"4m", milliseconds(4)},
      {"5u", microseconds(5)},
      {"6n", nanoseconds(6)},
      {"99999999n", nanoseconds(99'999'999)},
      {"99999999H", hours(1'000'000)},  // more than a Duration holds
      {"00000001S", seconds(1)},
      {"0S", seconds(0)},
      {"", std::nullopt},
      {"S", std::nullopt},
      {"1", std::nullopt},
      {"1s", std::nullopt},
      {"1h", std::nullopt},
      {"-1S", std::nullopt},
      {"+1S", std::nullopt},
      {" 1S", std::nullopt},
      {"1 S", std::nullopt},
      {"1.5S", std::nullopt},
      {"0x1S", std::nullopt},
      {"123456789S", std::nullopt},
  };
  for (const Case& c : kCases) EXPECT_EQ(ParseGrpcTimeout(c.text), c.then) << '"' << c.text << '"';
}

}  // namespace
}  // namespace postern::service
