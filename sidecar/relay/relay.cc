#include "sidecar/relay/relay.h"

#include <utility>
#include <vector>

namespace postern::relay {

using record::Answer;
using record::AnswerCode;

Relay::Relay(base::Loop& loop, Options options, record::MemoryBudget& budget, link::Outbox& outbox,
             record::Sink& backends, RelayMetrics& metrics)
    : options_(std::move(options)),
      budget_(budget),
      outbox_(outbox),
      backends_(backends),
      metrics_(metrics),
      local_(loop, backends,
             [this](const record::Record&, const Answer&) { metrics_.rejected.Increment(); }),
      local_session_(local_.Begin([](std::uint64_t) {})) {}

void Relay::Accept(Export exported, record::Done done) {
  if (draining_) {
    budget_.Give(exported.held);
    metrics_.refused.Increment();
    return done({.code = AnswerCode::kUnavailable,
                 .message = "this relay drains; send to another one",
                 .retry_after = std::chrono::seconds(1),
                 .response = {}});
  }
  metrics_.Accepted(exported.signal, exported.body.size());
  record::Record record{
      .signal = exported.signal,
      .metadata = std::move(exported.metadata),
      .origin = {.member = options_.host, .store = options_.store, .sequence = ++sequence_},
      .body = std::move(exported.body)};
  if (options_.ack == AckMode::kMemory) {
    return AcceptMemory(std::move(record), exported.held, std::move(done));
  }
  AcceptEndToEnd(std::move(record), exported.held, exported.deadline, std::move(done));
}

void Relay::AcceptEndToEnd(record::Record record, std::uint64_t held, base::Instant deadline,
                           record::Done done) {
  ++waiting_;
  Deliver(std::make_shared<const record::Record>(std::move(record)), deadline,
          [this, held, client = std::move(done)](Answer answer) {
            --waiting_;
            budget_.Give(held);
            metrics_.Answered(answer.ok());
            client(std::move(answer));
          });
}

void Relay::AcceptMemory(record::Record record, std::uint64_t held, record::Done done) {
  if (options_.has_parent) {
    return outbox_.stored.Append(std::move(record), held,
                                 [this, client = std::move(done)](const Answer& answer) {
                                   metrics_.Answered(answer.ok());
                                   client(answer);
                                 });
  }
  // Given back when the backends are done with it.
  const link::StoreIntake::Hold hold(this, [held](Relay* relay) { relay->budget_.Give(held); });
  local_.Take(local_session_, {{.number = sequence_, .lead = 0, .record = std::move(record)}},
              hold);
  metrics_.Answered(true);
  done({});
}

void Relay::Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) {
  if (options_.has_parent) {
    outbox_.live.Push({.record = std::move(record), .deadline = deadline, .done = std::move(done)});
  } else {
    backends_.Deliver(std::move(record), deadline, std::move(done));
  }
}

std::size_t Relay::Undelivered() const {
  // Records of own clients that wait for the end are in outbox_.live or on a link: counted once.
  return static_cast<std::size_t>(waiting_) + outbox_.stored.size() + local_.size();
}

}  // namespace postern::relay
