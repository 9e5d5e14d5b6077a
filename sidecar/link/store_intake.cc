#include "sidecar/link/store_intake.h"

#include <algorithm>
#include <utility>

namespace postern::link {
namespace {

using record::Answer;
using record::AnswerCode;

// How long one delivery may take before it counts as failed and is tried again.
constexpr base::Duration kDeliveryBound = std::chrono::seconds(30);

// Only a fault of the body itself: an expired token at a backend must not become data loss.
bool IsFaultOfBody(const Answer& answer) { return answer.code == AnswerCode::kInvalidArgument; }

}  // namespace

StoreIntake::StoreIntake(base::Loop& loop, record::Sink& sink, OnRejected on_rejected)
    : loop_(loop), sink_(sink), on_rejected_(std::move(on_rejected)) {}

std::uint64_t StoreIntake::Begin(OnAck on_ack) {
  on_ack_ = std::move(on_ack);
  ++links_;
  return ++session_;
}

void StoreIntake::End(std::uint64_t session) {
  --links_;
  last_used_ = loop_.clock().Now();
  if (session == session_) on_ack_ = nullptr;
}

bool StoreIntake::Take(std::uint64_t session, std::vector<lane::UnpackedRecord> records,
                       const Hold& hold) {
  if (session != session_) return false;
  for (lane::UnpackedRecord& unpacked : records) {
    if (unpacked.number <= mark_) continue;
    mark_ = unpacked.number;
    const record::Signal signal = unpacked.record.signal;
    auto kept = std::make_shared<const record::Record>(std::move(unpacked.record));
    items_.emplace(mark_, Item{std::move(kept), hold, false});
    lines_[Index(signal)].waiting.push_back(mark_);
  }
  for (const record::Signal signal : record::kSignals) Pump(signal);
  return true;
}

void StoreIntake::Pump(record::Signal signal) {
  Line& line = lines_[Index(signal)];
  // A sink may answer before Deliver returns: the loop below goes on then, instead of recursing.
  if (line.pumping) return;
  line.pumping = true;
  while (!line.delivering && !line.waiting.empty() && !line.retry.pending()) {
    const std::uint64_t sequence = line.waiting.front();
    line.delivering = true;
    sink_.Deliver(
        items_.at(sequence).record, loop_.clock().Now() + kDeliveryBound,
        [this, sequence, signal, alive = std::weak_ptr<bool>(alive_)](const Answer& answer) {
          if (!alive.expired()) OnAnswer(sequence, signal, answer);
        });
  }
  line.pumping = false;
}

void StoreIntake::OnAnswer(std::uint64_t sequence, record::Signal signal, const Answer& answer) {
  Line& line = lines_[Index(signal)];
  line.delivering = false;
  if (!answer.ok() && !IsFaultOfBody(answer)) {
    const base::Duration wait = std::max<base::Duration>(line.backoff.Next(), answer.retry_after);
    line.retry = loop_.PostAfter(wait, [this, signal] { Pump(signal); });
    return;
  }
  if (!answer.ok()) on_rejected_(*items_.at(sequence).record, answer);
  line.backoff.Reset();
  line.waiting.pop_front();
  Finish(sequence);
  Pump(signal);
}

void StoreIntake::Finish(std::uint64_t sequence) {
  items_.at(sequence).done = true;
  items_.at(sequence).hold.reset();
  std::uint64_t through = 0;
  while (!items_.empty() && items_.begin()->second.done) {
    through = items_.begin()->first;
    items_.erase(items_.begin());
  }
  if (through == 0) return;
  floor_ = through;
  if (on_ack_) on_ack_(through);
}

}  // namespace postern::link
