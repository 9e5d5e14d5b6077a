#include "sidecar/relay/relay.h"

#include <utility>
#include <vector>

#include "lib/base/check.h"

namespace postern::relay {

using record::Answer;
using record::AnswerCode;

Relay::Relay(Options options, record::MemoryBudget& budget, const Ways& ways, RelayMetrics& metrics)
    : options_(std::move(options)), budget_(budget), ways_(ways), metrics_(metrics) {
  if (options_.ack != AckMode::kParent) return;
  CHECK(ways_.live != nullptr, "who answers for the parent has one");
  // A parent keeps these records: their numbers must not come again after a restart.
  sequence_ = ways_.store.last_sequence();
}

void Relay::Accept(Export exported, record::Done done) {
  if (draining_) {
    budget_.Give(exported.held);
    metrics_.refused.Increment();
    return done({.code = AnswerCode::kUnavailable,
                 .message = "this relay drains; send to another one",
                 .retry_after = std::chrono::seconds(1),
                 .response = {}});
  }
  record::Record record{.signal = exported.signal,
                        .metadata = std::move(exported.metadata),
                        .origin = {},
                        .body = std::move(exported.body)};
  if (!options_.taken[static_cast<std::size_t>(record.signal)]) {
    budget_.Give(exported.held);
    metrics_.refused.Increment();
    return ways_.backends.Deliver(std::make_shared<const record::Record>(std::move(record)),
                                  exported.deadline, std::move(done));
  }
  if (options_.ack == AckMode::kDurable || options_.ack == AckMode::kMemory) {
    return AcceptStored(std::move(record), exported.held, std::move(done));
  }
  record.origin = {.member = options_.host, .store = ways_.store.id(), .sequence = ++sequence_};
  AcceptHeld(std::move(record), exported.held, exported.deadline, std::move(done));
}

void Relay::AcceptHeld(record::Record record, std::uint64_t held, base::Instant deadline,
                       record::Done done) {
  ++waiting_;
  metrics_.Accepted(record.signal, record.body.size());
  auto shared = std::make_shared<const record::Record>(std::move(record));
  record::Done answered = [this, held, client = std::move(done)](Answer answer) {
    --waiting_;
    budget_.Give(held);
    metrics_.Answered(answer.ok());
    client(std::move(answer));
  };
  if (options_.ack == AckMode::kEndToEnd) {
    return Deliver(std::move(shared), deadline, std::move(answered));
  }
  ways_.live->Push({.record = std::move(shared),
                    .deadline = deadline,
                    .done = std::move(answered),
                    .keep = true});
}

void Relay::AcceptStored(record::Record record, std::uint64_t held, record::Done done) {
  const bool at_once = options_.ack == AckMode::kMemory;
  const record::Signal signal = record.signal;
  const std::uint64_t size = record.body.size();
  store::Store::Incoming incoming{
      .record = std::move(record), .hop = {}, .held = held, .answered = at_once, .on_kept = {}};
  // The client goes in and out of it by move: a copy for each record is felt.
  struct Waiting {
    Relay& relay;
    record::Done client;  // none: it has its answer
    void operator()(const base::Status& kept) const { relay.OnKept(kept, client); }
  };
  incoming.on_kept = Waiting{*this, at_once ? record::Done() : std::exchange(done, nullptr)};
  const base::Result<std::uint64_t> taken = ways_.store.Append(incoming);
  if (!taken) {
    budget_.Give(held);
    metrics_.refused.Increment();
    if (!at_once) done = std::move(incoming.on_kept.target<Waiting>()->client);
    return done(record::NotKept(taken.error()));
  }
  ++waiting_;
  metrics_.Accepted(signal, size);
  if (!at_once) return;
  metrics_.Answered(true);
  done({});
}

void Relay::OnKept(const base::Status& kept, const record::Done& client) {
  --waiting_;
  if (!client) return;
  metrics_.Answered(kept.has_value());
  client(kept ? Answer{} : record::NotKept(kept.error()));
}

void Relay::Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) {
  if (ways_.live != nullptr) {
    ways_.live->Push({.record = std::move(record), .deadline = deadline, .done = std::move(done)});
  } else {
    ways_.backends.Deliver(std::move(record), deadline, std::move(done));
  }
}

}  // namespace postern::relay
