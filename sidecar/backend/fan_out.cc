#include "sidecar/backend/fan_out.h"

#include <string>
#include <utility>

namespace postern::backend {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Signal;

// How much an answer counts beside others. What OTLP clients send again:
// https://opentelemetry.io/docs/specs/otlp/#failures
int Weight(const Answer& answer) {
  switch (answer.code) {
    case AnswerCode::kOk: return 0;
    case AnswerCode::kInvalidArgument: return 1;
    case AnswerCode::kCancelled:
    case AnswerCode::kDeadlineExceeded:
    case AnswerCode::kAborted:
    case AnswerCode::kUnavailable:
    case AnswerCode::kDataLoss: return 3;
    case AnswerCode::kResourceExhausted: return answer.retry_after.count() > 0 ? 3 : 2;
    case AnswerCode::kUnknown:
    case AnswerCode::kNotFound:
    case AnswerCode::kPermissionDenied:
    case AnswerCode::kUnimplemented:
    case AnswerCode::kInternal:
    case AnswerCode::kUnauthenticated: return 2;
  }
  return 2;
}

Answer NobodyTakes(Signal signal) {
  const std::string name(record::SignalName(signal));
  return {.code = AnswerCode::kUnimplemented,
          .message = "no backend of this management server takes " + name + ": add " + name +
                     " to the signals of one in relay.backends",
          .response = {}};
}

}  // namespace

Answer Heavier(Answer first, Answer second) {
  const bool both_ok = first.ok() && second.ok();
  if (both_ok ? first.response.empty() : Weight(second) > Weight(first)) return second;
  return first;
}

// The answers to one record, as they come.
struct FanOut::Gathering {
  std::size_t missing;
  record::Done done;
  Answer worst;
};

FanOut::FanOut(const std::vector<Backend*>& backends) {
  for (const Signal signal : record::kSignals) {
    for (Backend* backend : backends) {
      if (backend->accepts(signal)) takers_[static_cast<std::size_t>(signal)].push_back(backend);
    }
  }
}

void FanOut::Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) {
  const std::vector<Backend*>& takers = takers_[static_cast<std::size_t>(record->signal)];
  if (takers.empty()) return done(NobodyTakes(record->signal));
  if (takers.size() == 1) {
    return takers.front()->Deliver(std::move(record), deadline, std::move(done));
  }
  auto gathering = std::make_shared<Gathering>(
      Gathering{.missing = takers.size(), .done = std::move(done), .worst = {}});
  for (Backend* taker : takers) {
    taker->Deliver(record, deadline, [gathering](Answer answer) {
      gathering->worst = Heavier(std::move(gathering->worst), std::move(answer));
      if (--gathering->missing == 0) gathering->done(std::move(gathering->worst));
    });
  }
}

}  // namespace postern::backend
