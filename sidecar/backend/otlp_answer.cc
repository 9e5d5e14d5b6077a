#include "sidecar/backend/otlp_answer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/otlp/partial_success.h"

namespace postern::backend {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Signal;
using std::chrono::milliseconds;

// Answers wait in memory at each hop; a sentence for people fits.
constexpr std::size_t kLongestResponse = std::size_t{8} << 10;
constexpr std::size_t kLongestMessage = std::size_t{4} << 10;

AnswerCode CodeOf(int grpc_code) {
  switch (grpc_code) {
    case 0: return AnswerCode::kOk;
    case 1: return AnswerCode::kCancelled;
    case 3: return AnswerCode::kInvalidArgument;
    case 4: return AnswerCode::kUnavailable;  // DEADLINE_EXCEEDED: the outcome is unknown
    case 5: return AnswerCode::kNotFound;
    case 7: return AnswerCode::kPermissionDenied;
    case 8: return AnswerCode::kResourceExhausted;
    case 10: return AnswerCode::kAborted;
    case 11: return AnswerCode::kAborted;  // OUT_OF_RANGE: OTLP clients send again
    case 12: return AnswerCode::kUnimplemented;
    case 13: return AnswerCode::kInternal;
    case 14: return AnswerCode::kUnavailable;
    case 15: return AnswerCode::kDataLoss;
    case 16: return AnswerCode::kUnauthenticated;
    default: return AnswerCode::kUnknown;  // 2, 6, 9: OTLP clients do not send again
  }
}

base::Bytes PartialSuccessOf(base::Bytes response) {
  if (response.empty()) return response;
  auto partial = otlp::ParseResponse(response.view());
  if (!partial || *partial == otlp::PartialSuccess()) return {};
  if (response.size() <= kLongestResponse) return response;
  partial->message = "the backend's message was too long";
  return base::Bytes::Copy(otlp::SerializeResponse(*partial));
}

}  // namespace

std::string_view ExportMethod(Signal signal) {
  switch (signal) {
    case Signal::kLogs: return "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    case Signal::kMetrics: return "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    case Signal::kTraces: return "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  }
  return "";
}

Answer ToAnswer(std::string_view name, rpc::UnaryResult result) {
  Answer answer{.code = CodeOf(result.grpc_code), .message = {}, .response = {}};
  if (answer.ok()) {
    answer.response = PartialSuccessOf(std::move(result.response));
    return answer;
  }
  constexpr int kDeadlineExceeded = 4;
  answer.message =
      "backend " + std::string(name) + ": " +
      (result.grpc_code == kDeadlineExceeded ? "no answer in time, outcome unknown: " : "") +
      result.message.substr(0, kLongestMessage);
  // "At once" is told as the shortest wait: zero would read as "not told".
  if (result.retry_after) answer.retry_after = std::max(milliseconds(1), *result.retry_after);
  return answer;
}

}  // namespace postern::backend
