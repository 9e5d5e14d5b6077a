// The figures of one backend. Every series is there at zero from the start.
//
//   postern_backend_delivered_records_total{backend,signal}    answered with OK
//   postern_backend_delivered_bytes_total{backend,signal}      their bodies
//   postern_backend_rejected_items_total{backend,signal}       not taken of those: partial success
//   postern_backend_refused_records_total{backend,signal,code} answered with anything else
//   postern_backend_in_flight_requests{backend}
//
// Threads: any.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "lib/metrics/registry.h"
#include "sidecar/record/answer.h"
#include "sidecar/record/record.h"

namespace postern::backend {

// Every code that an Answer can have, and its word: "invalid_argument".
inline constexpr std::array kAnswerCodes = {
    record::AnswerCode::kOk,
    record::AnswerCode::kCancelled,
    record::AnswerCode::kUnknown,
    record::AnswerCode::kInvalidArgument,
    record::AnswerCode::kDeadlineExceeded,
    record::AnswerCode::kNotFound,
    record::AnswerCode::kPermissionDenied,
    record::AnswerCode::kResourceExhausted,
    record::AnswerCode::kAborted,
    record::AnswerCode::kUnimplemented,
    record::AnswerCode::kInternal,
    record::AnswerCode::kUnavailable,
    record::AnswerCode::kDataLoss,
    record::AnswerCode::kUnauthenticated,
};
std::string_view CodeWord(record::AnswerCode code);

class BackendMetrics {
 public:
  BackendMetrics(metrics::Registry& registry, const std::string& backend);

  void Answered(const record::Record& record, const record::Answer& answer);
  void InFlight(std::size_t requests) { in_flight_.Set(static_cast<double>(requests)); }

 private:
  static constexpr std::size_t kCodes = 17;  // gRPC's, so that a code is its own index

  struct OfSignal {
    metrics::Counter* records = nullptr;
    metrics::Counter* bytes = nullptr;
    metrics::Counter* rejected_items = nullptr;
    std::array<metrics::Counter*, kCodes> refused{};
  };

  std::array<OfSignal, record::kSignals.size()> signals_;
  metrics::Gauge& in_flight_;
};

}  // namespace postern::backend
