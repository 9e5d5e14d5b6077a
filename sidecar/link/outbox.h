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

#include "sidecar/link/live_queue.h"
#include "sidecar/record/record.h"
#include "sidecar/record/sink.h"

namespace postern::link {

// Kept in memory (memory_queue.h) or on disk.
class StoredQueue {
 public:
  virtual ~StoredQueue() = default;

  // Takes a record, gives it its place in this store's sequence, and answers `done` once it is
  // kept, or cannot be. `held` bytes of the memory budget came with it; the queue gives them back.
  virtual void Append(record::Record record, std::uint64_t held, record::Done done) = 0;
  // `on_ready` is called when there is something more to send.
  void OnReady(std::function<void()> on_ready) { on_ready_ = std::move(on_ready); }

  // The next record to send; null where there is none now.
  virtual record::RecordPtr Next() const = 0;
  // The sequence of that record. Requires that there is one.
  virtual std::uint64_t next_sequence() const = 0;
  // Whether that record was sent to another store than the one that it goes to now.
  virtual bool next_may_repeat() const = 0;
  virtual void Advance() = 0;
  // That record can never be sent: it leaves the queue.
  virtual void Reject() = 0;
  // A (new) parent has seen everything up to `mark`: sending goes on after it, or at the lowest
  // record not acknowledged where that is higher. Nothing leaves before it is acknowledged.
  // `keeper` is the store that the parent keeps it in. Returns how many records go a second time.
  virtual std::uint64_t StartAfter(std::uint64_t mark, const record::StoreId& keeper) = 0;
  // False where the peer acknowledges what was never assigned.
  [[nodiscard]] virtual bool Acknowledge(std::uint64_t through) = 0;

  virtual const record::StoreId& store() const = 0;
  // The highest sequence ever assigned; 0 before the first.
  virtual std::uint64_t last_sequence() const = 0;
  // How many records are kept.
  virtual std::size_t size() const = 0;
  // Of the bodies that wait to be sent.
  virtual std::uint64_t unsent_bytes() const = 0;
  bool empty() const { return size() == 0; }

 protected:
  void TellReady() const { on_ready_(); }

 private:
  std::function<void()> on_ready_ = [] {};
};

struct Outbox {
  LiveQueue live;       // its clients wait for the end's answer
  StoredQueue& stored;  // its clients were answered; this relay answers for it
};

}  // namespace postern::link
