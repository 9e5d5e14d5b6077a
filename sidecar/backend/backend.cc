#include "sidecar/backend/backend.h"

#include <utility>

namespace postern::backend {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Signal;

// A backend that refuses every record would otherwise fill the log with one sentence.
constexpr base::Duration kLogInterval = std::chrono::seconds(10);

}  // namespace

bool SignalSet::Has(Signal signal) const {
  switch (signal) {
    case Signal::kLogs: return logs;
    case Signal::kMetrics: return metrics;
    case Signal::kTraces: return traces;
  }
  return false;
}

Backend::Backend(About about, const BackendEnv& env)
    : about_(std::move(about)),
      loop_(env.loop),
      metrics_(env.registry, about_.name),
      refused_(env.log, env.loop.clock(), kLogInterval),
      recovered_(env.log, env.loop.clock(), kLogInterval) {}

void Backend::Settle(const record::Record& record, Answer answer, const record::Done& done) {
  metrics_.Answered(record, answer);
  if (!answer.ok()) {
    LogRefusal(record, answer);
  } else if (std::exchange(refuses_, false)) [[unlikely]] {
    recovered_.Write(log::Level::kInfo, "backend delivers again", {{"backend", about_.name}});
  }
  done(std::move(answer));
}

Answer Backend::Unavailable(std::string_view why, std::chrono::milliseconds retry_after) const {
  return {.code = AnswerCode::kUnavailable,
          .message = "backend " + about_.name + ": " + std::string(why),
          .retry_after = retry_after,
          .response = {}};
}

Answer Backend::Full(std::string_view what_not) const {
  return {.code = AnswerCode::kResourceExhausted,
          .message = "backend " + about_.name + ": too much waits for it already; " +
                     std::string(what_not),
          .retry_after = std::chrono::seconds(1),
          .response = {}};
}

void Backend::LogRefusal(const record::Record& record, const Answer& answer) {
  // A fault of the body says nothing about the backend.
  if (answer.code != AnswerCode::kInvalidArgument) refuses_ = true;
  refused_.Write(log::Level::kWarn, "backend refused a record",
                 {{"backend", about_.name},
                  {"signal", record::SignalName(record.signal)},
                  {"code", CodeWord(answer.code)},
                  {"error", answer.message}});
}

}  // namespace postern::backend
