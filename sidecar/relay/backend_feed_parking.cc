// What BackendFeed does with records that are parked: kept, tried each minute, out of the way.
#include "sidecar/relay/backend_feed.h"

namespace postern::relay {

using record::Answer;

void BackendFeed::Park(std::uint64_t sequence) {
  const auto item = items_.find(sequence);
  const record::Record& record = *item->second.record;
  env_.log.Warn("record parked: those behind it are taken",
                {{"backend", options_.backend},
                 {"signal", record::SignalName(record.signal)},
                 {"member", record.origin.member},
                 {"sequence", record.origin.sequence}});
  const std::uint64_t size = record.body.size();
  parked_.Add(sequence,
              {.after = item->second.after,
               .age = item->second.age,
               .size = size,
               .may_repeat = item->second.may_repeat},
              env_.loop.clock().Now());
  bytes_ -= size;
  items_.erase(item);
}

// One at a time, so that they take no more than one request from the others. Their bodies are read
// again from the disk: memory is for what goes on.
void BackendFeed::RetryParked() {
  if (parked_out_ || in_flight_ >= options_.in_flight) return;
  const std::optional<std::uint64_t> next = parked_.Next(env_.loop.clock().Now());
  if (!next) return;
  ++finished_;  // whatever becomes of it, the one after it has its turn
  const auto kept = reader_->Find(*next);
  if (!kept) return;                               // the disk cannot be read: in the next round
  if (!*kept) return Unpark(*next, std::nullopt);  // damaged meanwhile, and told of
  parked_out_ = next;
  ++in_flight_;
  const record::RecordPtr record = (*kept)->record;
  backend_.Deliver(
      parked_.all().at(*next).may_repeat ? record::AsPossibleRepeat(record) : record,
      env_.loop.clock().Now() + kDeliveryBound,
      [this, record, sequence = *next, alive = std::weak_ptr<bool>(alive_)](const Answer& answer) {
        if (!alive.expired()) OnParkedAnswer(record, sequence, answer);
      });
}

void BackendFeed::OnParkedAnswer(const record::RecordPtr& record, std::uint64_t sequence,
                                 const Answer& answer) {
  if (record::IsFaultOfBody(answer)) {
    --in_flight_;
    KeepLetter(record, answer, [this, record, sequence, answer] {
      ++in_flight_;
      Reject(*record, answer);
      EndParked(sequence, store::Reason::kRejected);
      Pump();
    });
  } else if (answer.ok()) {
    env_.metrics.reordered.Increment();
    EndParked(sequence, std::nullopt);
  } else {
    --in_flight_;
    parked_out_.reset();
    status_.Refused(answer);
  }
  Pump();
}

void BackendFeed::EndParked(std::uint64_t sequence, std::optional<store::Reason> why) {
  parked_out_.reset();
  Unpark(sequence, why);
  reader_->AfterSaid([this] { OnSaid(); });
}

// Back among the items, as one that is done.
void BackendFeed::Unpark(std::uint64_t sequence, std::optional<store::Reason> why) {
  const ParkedRecords::Parked parked = parked_.all().at(sequence);
  parked_.Remove(sequence);
  Item item{
      .after = parked.after, .age = parked.age, .may_repeat = false, .record = {}, .left = {}};
  if (why) item.left = store::Left{.reason = *why, .bytes = parked.size};
  const auto at = items_.emplace(sequence, std::move(item)).first;
  if (Say(*at)) items_.erase(at);
  ++finished_;
}

void BackendFeed::DropParked() {
  for (auto at = parked_.all().begin(); at != parked_.all().end();) {
    const auto [sequence, parked] = *at++;
    if (sequence == parked_out_) continue;
    const auto why =
        reader_->WhyDropped({.sequence = sequence, .age = parked.age, .record = nullptr});
    if (why || reader_->IsDone(sequence)) Unpark(sequence, why);
  }
}

}  // namespace postern::relay
