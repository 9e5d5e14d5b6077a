#include "sidecar/backend/otlp_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lib/otlp/partial_success.h"

namespace postern::backend {
namespace {

using base::Bytes;
using record::Answer;
using record::AnswerCode;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST(ToAnswer, KeepsWhatAClientActsOn) {
  const struct {
    int grpc_code;
    AnswerCode then;
  } kCases[] = {
      {0, AnswerCode::kOk},
      {1, AnswerCode::kCancelled},
      {2, AnswerCode::kUnknown},
      {3, AnswerCode::kInvalidArgument},
      {4, AnswerCode::kUnavailable},
      {5, AnswerCode::kNotFound},
      {6, AnswerCode::kUnknown},
      {7, AnswerCode::kPermissionDenied},
      {8, AnswerCode::kResourceExhausted},
      {9, AnswerCode::kUnknown},
      {10, AnswerCode::kAborted},
      {11, AnswerCode::kAborted},
      {12, AnswerCode::kUnimplemented},
      {13, AnswerCode::kInternal},
      {14, AnswerCode::kUnavailable},
      {15, AnswerCode::kDataLoss},
      {16, AnswerCode::kUnauthenticated},
      {17, AnswerCode::kUnknown},
      {-1, AnswerCode::kUnknown},
  };
  for (const auto& row : kCases) {
    EXPECT_EQ(ToAnswer("c", {.grpc_code = row.grpc_code}).code, row.then) << row.grpc_code;
  }
}

TEST(ToAnswer, NamesTheBackendAndTheUnknownOutcome) {
  EXPECT_EQ(ToAnswer("loki", {.grpc_code = 16, .message = "token expired"}).message,
            "backend loki: token expired");
  EXPECT_THAT(ToAnswer("loki", {.grpc_code = 4, .message = "Deadline"}).message,
              HasSubstr("outcome unknown"));
  EXPECT_LT(ToAnswer("l", {.grpc_code = 2, .message = std::string(1 << 20, 'x')}).message.size(),
            5000U);
}

TEST(ToAnswer, TellsWhenToTryAgain) {
  EXPECT_EQ(ToAnswer("c", {.grpc_code = 8, .retry_after = 250ms}).retry_after, 250ms);
  EXPECT_EQ(ToAnswer("c", {.grpc_code = 8}).retry_after, 0ms) << "not told";
  EXPECT_EQ(ToAnswer("c", {.grpc_code = 8, .retry_after = 0ms}).retry_after, 1ms)
      << "told: at once; without a time clients would drop the data";
}

TEST(ToAnswer, HandsOnOnlyAPartialSuccess) {
  const std::string partial = otlp::SerializeResponse({.rejected = 3, .message = "too old"});
  const std::string huge =
      otlp::SerializeResponse({.rejected = 4, .message = std::string(100'000, 'x')});
  EXPECT_EQ(ToAnswer("c", {.response = Bytes::Copy(partial)}).response.view(), partial);
  EXPECT_EQ(ToAnswer("c", {.response = Bytes::Copy("\xff no protobuf")}), Answer());
  EXPECT_EQ(ToAnswer("c", {.response = Bytes::Copy(std::string("\x0a\x00", 2))}), Answer())
      << "an empty partial success is full success";
  const Answer cut = ToAnswer("c", {.response = Bytes::Copy(huge)});
  EXPECT_LT(cut.response.size(), 100U);
  EXPECT_EQ(otlp::ParseResponse(cut.response.view())->rejected, 4);
}

TEST(ExportMethod, IsOtlps) {
  EXPECT_EQ(ExportMethod(record::Signal::kLogs),
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
  EXPECT_EQ(ExportMethod(record::Signal::kMetrics),
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
  EXPECT_EQ(ExportMethod(record::Signal::kTraces),
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
}

}  // namespace
}  // namespace postern::backend
