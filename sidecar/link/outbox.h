// Outbox: what a relay has to send to its parent, whichever link carries it.
//
// A stored queue holds the records that this relay has answered for and not yet passed on, in
// order: one for a relay, never one for a parent. Another parent starts at the lowest record that
// is not acknowledged, and nothing moves.
//
//   floor            next                end
//     │ acknowledged │ sent, unacknowledged │ not sent │
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/base/result.h"
#include "sidecar/link/live_queue.h"
#include "sidecar/record/record.h"
#include "sidecar/record/sink.h"

namespace postern::link {

// What a parent says that it keeps of this store: the last record, and a checksum of its body.
struct ParentMark {
  std::uint64_t sequence = 0;  // 0: nothing
  std::uint32_t crc = 0;
};

class StoredQueue {
 public:
  virtual ~StoredQueue() = default;

  // `on_ready` is called when there is something more to send.
  void OnReady(std::function<void()> on_ready) { on_ready_ = std::move(on_ready); }

  // The next record to send; null where there is none now.
  virtual record::RecordPtr Next() = 0;
  // Of that record, and requiring that there is one: its sequence;
  virtual std::uint64_t next_sequence() const = 0;
  // whether it was sent before, to whomever;
  virtual bool next_was_sent() const = 0;
  // whether it may have been sent to another store than the one that it goes to now.
  virtual bool next_may_repeat() const = 0;
  virtual void Advance() = 0;
  // That record can never be sent: it is kept for people, and then leaves the queue. Until then
  // there is no next one.
  virtual void Reject(const std::string& why) = 0;

  // Judges a parent's mark. An error where this store never had such a record: it is an older copy
  // of itself, and has taken a new id for the next link.
  virtual base::Status CheckMark(const ParentMark& mark) = 0;
  // A (new) parent has seen everything up to `mark`: sending goes on after it, or at the lowest
  // record not acknowledged where that is higher. Nothing leaves before it is acknowledged.
  // `keeper` is the store that the parent keeps it in.
  virtual void StartAfter(std::uint64_t mark, const record::StoreId& keeper) = 0;
  // No link is left: what is not acknowledged waits again.
  virtual void GoBack() = 0;
  // False where the parent acknowledges what was never sent: over this link or one before, for it
  // may sync late what came early.
  [[nodiscard]] virtual bool Acknowledge(std::uint64_t through) = 0;

  virtual const record::StoreId& store() const = 0;
  // The highest sequence ever assigned; 0 before the first.
  virtual std::uint64_t last_sequence() const = 0;
  // About how many bytes of bodies wait to be sent.
  virtual std::uint64_t unsent_bytes() const = 0;

 protected:
  void TellReady() const { on_ready_(); }

 private:
  std::function<void()> on_ready_ = [] {};
};

struct Outbox {
  LiveQueue live;       // its clients wait for an answer from above
  StoredQueue& stored;  // its clients were answered; this relay answers for it
};

}  // namespace postern::link
