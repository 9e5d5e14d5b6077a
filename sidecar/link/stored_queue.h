// StoredQueue: the records that this relay has answered for and not yet passed on, in order.
//
// In memory for now: `ack: Memory`. One queue for a relay, never one for a parent: another parent
// starts at the lowest record that is not acknowledged, and nothing moves.
//
//   floor            cursor              end
//     │ acknowledged │ sent, unacknowledged │ not sent │
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "sidecar/record/memory_budget.h"
#include "sidecar/record/record.h"

namespace postern::link {

class StoredQueue {
 public:
  // A queue's bodies come out of `budget`: Append takes over bytes that the door took already.
  StoredQueue(record::StoreId store, record::MemoryBudget& budget)
      : store_(store), budget_(budget) {}

  void OnAppend(std::function<void()> on_append) { on_append_ = std::move(on_append); }

  // Keeps the record; `held` bytes of the budget are given back once it is acknowledged.
  void Append(record::RecordPtr record, std::uint64_t held);

  // The next record to send; null where all were sent.
  record::RecordPtr Next() const;
  std::uint64_t next_sequence() const { return cursor_; }
  // Whether the next record was sent to another store than the one that it goes to now.
  bool next_may_repeat() const { return cursor_ <= repeat_through_; }
  void Advance();
  // The next record can never be sent: it leaves the queue.
  void Reject();
  // A (new) parent has seen everything up to `mark`: sending goes on after it, or at the lowest
  // record not acknowledged where that is higher. Nothing leaves before it is acknowledged.
  // `keeper` is the store that the parent keeps it in. Returns how many records go a second time.
  std::uint64_t StartAfter(std::uint64_t mark, const record::StoreId& keeper);
  // False where the peer acknowledges what was never sent.
  [[nodiscard]] bool Acknowledge(std::uint64_t through);

  const record::StoreId& store() const { return store_; }
  // The highest sequence ever assigned; 0 before the first.
  std::uint64_t last_sequence() const { return floor_ + records_.size() - 1; }
  std::size_t size() const { return records_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  bool empty() const { return records_.empty(); }

 private:
  struct Kept {
    record::RecordPtr record;  // null once rejected, while records before it are kept
    std::uint64_t held;
  };
  void SkipRejected();
  // Takes the first record out; returns what it held.
  std::uint64_t PopFront();

  record::StoreId store_;
  record::MemoryBudget& budget_;
  std::uint64_t floor_ = 1;   // sequence of the first record kept
  std::uint64_t cursor_ = 1;  // sequence of the next record to send
  std::uint64_t sent_through_ = 0;
  std::uint64_t repeat_through_ = 0;
  record::StoreId keeper_{};  // of the parent that was sent to last
  std::uint64_t bytes_ = 0;
  std::deque<Kept> records_;
  std::function<void()> on_append_ = [] {};
};

}  // namespace postern::link
