#include "sidecar/service/otlp/request_headers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sidecar/record/record_codec.h"

namespace postern::service {

using base::Duration;
using record::Answer;
using record::AnswerCode;
using record::Signal;

namespace {

constexpr unsigned kMostHeaders = 64;
constexpr std::size_t kMostHeaderBytes = 16 * 1024;
constexpr std::size_t kMostWord = 256;  // of a header that is only compared
constexpr Duration kDefaultTimeout = std::chrono::seconds(10);
constexpr Duration kLongestTimeout = std::chrono::minutes(10);

constexpr std::array<std::pair<std::string_view, Signal>, 3> kPaths = {{
    {"/opentelemetry.proto.collector.logs.v1.LogsService/Export", Signal::kLogs},
    {"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", Signal::kMetrics},
    {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", Signal::kTraces},
}};

Answer Refusal(AnswerCode code, std::string message) {
  return {.code = code, .message = std::move(message), .response = {}};
}

}  // namespace

std::optional<Duration> ParseGrpcTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  std::uint32_t count = 0;
  const char* last = text.data() + text.size() - 1;
  const auto [end, error] = std::from_chars(text.data(), last, count);
  if (error != std::errc() || end != last) return std::nullopt;
  switch (*last) {
    // A hundred years and more do not fit into nanoseconds.
    case 'H': return std::chrono::hours(std::min<std::uint32_t>(count, 1'000'000));
    case 'M': return std::chrono::minutes(count);
    case 'S': return std::chrono::seconds(count);
    case 'm': return std::chrono::milliseconds(count);
    case 'u': return std::chrono::microseconds(count);
    case 'n': return std::chrono::nanoseconds(count);
    default: return std::nullopt;
  }
}

bool RequestHeaders::Take(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size();
  if (++count_ > kMostHeaders || bytes_ > kMostHeaderBytes) return false;
  const std::string_view word = value.substr(0, kMostWord);
  if (name == ":path") {
    const auto* known = std::find_if(kPaths.begin(), kPaths.end(),
                                     [value](const auto& path) { return path.first == value; });
    if (known != kPaths.end()) signal_ = known->second;
    if (known == kPaths.end()) path_ = word;
  } else if (name == ":method") {
    method_ = word;
  } else if (name == "content-type") {
    content_type_ = word;
  } else if (name == "grpc-encoding") {
    encoding_ = word;
  } else if (name == "grpc-timeout") {
    timeout_ = ParseGrpcTimeout(word);
  } else if (name.starts_with("x-")) {
    if (metadata_.size() >= record::kMaxMetadataEntries ||
        std::max(name.size(), value.size()) > record::kMaxMetadataText) {
      return false;
    }
    metadata_.emplace_back(name, value);
  }
  return true;
}

std::optional<Answer> RequestHeaders::Fault() const {
  if (!signal_) {
    return Refusal(
        AnswerCode::kUnimplemented,
        "no method \"" + path_ + "\" here; this door takes OTLP logs, metrics and traces");
  }
  if (method_ != "POST" || !content_type_.starts_with("application/grpc")) {
    return Refusal(AnswerCode::kInvalidArgument,
                   "OTLP/gRPC is a POST of content-type application/grpc");
  }
  if (!encoding_.empty() && encoding_ != "identity" && encoding_ != "gzip") {
    return Refusal(AnswerCode::kUnimplemented,
                   "grpc-encoding \"" + encoding_ + "\" is not served; send gzip or identity");
  }
  return std::nullopt;
}

Duration RequestHeaders::timeout() const {
  return std::min(timeout_.value_or(kDefaultTimeout), kLongestTimeout);
}

}  // namespace postern::service
