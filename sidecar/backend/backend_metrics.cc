#include "sidecar/backend/backend_metrics.h"

#include "lib/otlp/partial_success.h"

namespace postern::backend {

using metrics::Labels;
using record::Answer;
using record::AnswerCode;
using record::Record;
using record::Signal;

std::string_view CodeWord(AnswerCode code) {
  switch (code) {
    case AnswerCode::kOk: return "ok";
    case AnswerCode::kCancelled: return "cancelled";
    case AnswerCode::kUnknown: return "unknown";
    case AnswerCode::kInvalidArgument: return "invalid_argument";
    case AnswerCode::kDeadlineExceeded: return "deadline_exceeded";
    case AnswerCode::kNotFound: return "not_found";
    case AnswerCode::kPermissionDenied: return "permission_denied";
    case AnswerCode::kResourceExhausted: return "resource_exhausted";
    case AnswerCode::kAborted: return "aborted";
    case AnswerCode::kUnimplemented: return "unimplemented";
    case AnswerCode::kInternal: return "internal";
    case AnswerCode::kUnavailable: return "unavailable";
    case AnswerCode::kDataLoss: return "data_loss";
    case AnswerCode::kUnauthenticated: return "unauthenticated";
  }
  return "unknown";
}

BackendMetrics::BackendMetrics(metrics::Registry& registry, const std::string& backend)
    : in_flight_(registry.AddGauge("postern_backend_in_flight_requests",
                                   "Requests that wait for a backend's answer.",
                                   {{"backend", backend}})) {
  for (const Signal signal : record::kSignals) {
    const Labels labels = {{"backend", backend},
                           {"signal", std::string(record::SignalName(signal))}};
    OfSignal& of = signals_[static_cast<std::size_t>(signal)];
    of.records = &registry.AddCounter("postern_backend_delivered_records_total",
                                      "Records that a backend took.", labels);
    of.bytes = &registry.AddCounter("postern_backend_delivered_bytes_total",
                                    "Bytes of the bodies that a backend took.", labels);
    of.rejected_items = &registry.AddCounter(
        "postern_backend_rejected_items_total",
        "Log records, data points and spans that a backend left out of records it took.", labels);
    for (const AnswerCode code : kAnswerCodes) {
      if (code == AnswerCode::kOk) continue;
      Labels with_code = labels;
      with_code["code"] = CodeWord(code);
      of.refused[static_cast<std::size_t>(code)] =
          &registry.AddCounter("postern_backend_refused_records_total",
                               "Records that a backend answered with an error.", with_code);
    }
  }
}

void BackendMetrics::Answered(const Record& record, const Answer& answer) {
  OfSignal& of = signals_[static_cast<std::size_t>(record.signal)];
  if (!answer.ok()) return of.refused[static_cast<std::size_t>(answer.code)]->Increment();
  of.records->Increment();
  of.bytes->Increment(static_cast<double>(record.body.size()));
  if (answer.response.empty()) return;
  const auto partial = otlp::ParseResponse(answer.response.view());
  if (partial && partial->rejected > 0) {
    of.rejected_items->Increment(static_cast<double>(partial->rejected));
  }
}

}  // namespace postern::backend
