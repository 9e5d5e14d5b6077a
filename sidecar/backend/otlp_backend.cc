#include "sidecar/backend/otlp_backend.h"

#include <utility>

#include "sidecar/backend/otlp_answer.h"

namespace postern::backend {
namespace {

// How late a record may learn that its time in the line is over.
constexpr base::Duration kSweep = std::chrono::milliseconds(200);

}  // namespace

base::Result<std::unique_ptr<OtlpBackend>> OtlpBackend::Open(About about, const Options& options,
                                                             const BackendEnv& env) {
  auto channel = rpc::UnaryChannel::Open(options.channel);
  if (!channel) return channel.error().In("backend " + about.name);
  return std::unique_ptr<OtlpBackend>(
      new OtlpBackend(std::move(about), options, *std::move(channel), env));
}

OtlpBackend::OtlpBackend(About about, const Options& options,
                         std::unique_ptr<rpc::UnaryChannel> channel, const BackendEnv& env)
    : Backend(std::move(about), env),
      most_in_flight_(options.in_flight),
      most_waiting_bytes_(options.waiting_bytes),
      self_(std::make_shared<OtlpBackend*>(this)),
      channel_(std::move(channel)) {}

OtlpBackend::~OtlpBackend() = default;

void OtlpBackend::Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) {
  Delivery delivery{std::move(record), deadline, std::move(done)};
  if (in_flight_ < most_in_flight_ && waiting_.empty()) return Send(std::move(delivery));
  if (!waiting_.empty() && waiting_bytes_ + CostOf(*delivery.record) > most_waiting_bytes_) {
    return Settle(*delivery.record, Full("not sent"), delivery.done);
  }
  Wait(std::move(delivery));
}

void OtlpBackend::Wait(Delivery delivery) {
  if (waiting_.empty()) sweep_ = loop().PostAfter(kSweep, [this] { OnSweep(); });
  waiting_bytes_ += CostOf(*delivery.record);
  waiting_.push_back(std::move(delivery));
}

void OtlpBackend::OnSweep() {
  const base::Instant now = loop().clock().Now();
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto place = next++;
    if (place->deadline > now) continue;
    const Delivery late = TakeFromLine(place);
    // No hint: who waited to the end of his time knows better when to come again.
    Settle(*late.record, Unavailable("no turn before the deadline; not sent"), late.done);
  }
  if (!waiting_.empty()) sweep_ = loop().PostAfter(kSweep, [this] { OnSweep(); });
}

OtlpBackend::Delivery OtlpBackend::TakeFromLine(std::list<Delivery>::iterator place) {
  Delivery delivery = std::move(*place);
  waiting_bytes_ -= CostOf(*delivery.record);
  waiting_.erase(place);
  return delivery;
}

void OtlpBackend::Send(Delivery delivery) {
  const base::Duration left = delivery.deadline - loop().clock().Now();
  if (left <= base::Duration(0)) {
    return Settle(*delivery.record, Unavailable("the deadline had passed; not sent"),
                  delivery.done);
  }
  metrics().InFlight(++in_flight_);
  const record::RecordPtr record = delivery.record;
  // The delivery goes to gRPC and comes back whole: what its `done` holds is the loop's, so no copy
  // may end on gRPC's thread.
  auto done = [&loop = loop(), self = std::weak_ptr(self_),
               delivery = std::move(delivery)](rpc::UnaryResult result) mutable {
    loop.Post([self = std::move(self), delivery = std::move(delivery), result = std::move(result)] {
      if (const auto backend = self.lock()) (*backend)->OnResult(delivery, result);
    });
  };
  const std::string_view method = ExportMethod(record->signal);
  if (!record->possible_repeat) {
    return channel_->Call(method, record->body, record->metadata, left, std::move(done));
  }
  rpc::Metadata marked = record->metadata;
  marked.emplace_back("postern-repeat", "possible");
  channel_->Call(method, record->body, marked, left, std::move(done));
}

void OtlpBackend::OnResult(const Delivery& delivery, rpc::UnaryResult result) {
  metrics().InFlight(--in_flight_);
  // Its slot is another's before its `done` can hand over the next record.
  while (in_flight_ < most_in_flight_ && !waiting_.empty()) Send(TakeFromLine(waiting_.begin()));
  Settle(*delivery.record, ToAnswer(name(), std::move(result)), delivery.done);
}

}  // namespace postern::backend
