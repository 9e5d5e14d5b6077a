#include "sidecar/link/store_intake.h"

#include <utility>

#include "lib/base/crc32c.h"
#include "lib/base/kill_point.h"

namespace postern::link {

using base::Code;
using base::Status;

namespace {

// How often a full store is tried again; what its readers pass on makes room.
constexpr base::Duration kTryAgain = std::chrono::milliseconds(100);

}  // namespace

std::uint64_t StoreIntake::Begin(Hooks hooks) {
  // Older frames count for nothing: the child sends again what is above the synced mark.
  waiting_.clear();
  retry_.Cancel();
  hooks_ = std::move(hooks);
  ++links_;
  return ++session_;
}

void StoreIntake::End(std::uint64_t session) {
  --links_;
  if (session != session_) return;
  hooks_ = {};
  waiting_.clear();
}

bool StoreIntake::Take(std::uint64_t session, std::vector<lane::UnpackedRecord> records,
                       const Hold& hold) {
  KILL_POINT("parent.welcome-data");
  if (session != session_) return false;
  for (lane::UnpackedRecord& unpacked : records) {
    store::Hop hop{.sender = sender_,
                   .sequence = unpacked.number,
                   .crc = base::Crc32c(unpacked.record.body.view())};
    waiting_.push_back(
        {.incoming = {.record = std::move(unpacked.record), .hop = std::move(hop), .on_kept = {}},
         .hold = hold});
  }
  if (!retry_.pending()) Pump();
  return true;
}

void StoreIntake::Pump() {
  while (!waiting_.empty() && TryFirst()) {
  }
}

bool StoreIntake::TryFirst() {
  Waiting& first = waiting_.front();
  first.incoming.on_kept = [this, hold = first.hold,
                            alive = std::weak_ptr<bool>(alive_)](const Status& kept) {
    if (!alive.expired()) OnKept(kept);
  };
  const base::Result<std::uint64_t> appended = store_.Append(first.incoming);
  if (!appended && appended.error().code() == Code::kExhausted) {
    retry_ = loop_.PostAfter(kTryAgain, [this] { Pump(); });
    return false;
  }
  if (!appended && appended.error().code() != Code::kConflict) {
    Fail(appended.error());
    return false;
  }
  if (appended) ++unsynced_;
  waiting_.pop_front();
  if (!appended) Acknowledge();  // it came before, and perhaps the child does not know
  return true;
}

void StoreIntake::OnKept(const Status& kept) {
  --unsynced_;
  if (!kept) return Fail(kept.error());
  // Once for all that one sync kept.
  if (std::exchange(ack_scheduled_, true)) return;
  loop_.Defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    ack_scheduled_ = false;
    KILL_POINT("parent.append-ack");
    Acknowledge();
  });
}

// A record that was refused must not be followed by others: a mark would pass it.
void StoreIntake::Fail(const base::Error& why) {
  waiting_.clear();
  ++session_;  // frames of the link that is to end count for nothing
  const Hooks hooks = std::exchange(hooks_, {});
  if (hooks.on_failed) hooks.on_failed(why);
}

void StoreIntake::Acknowledge() {
  if (hooks_.on_ack) hooks_.on_ack(mark().sequence);
}

}  // namespace postern::link
