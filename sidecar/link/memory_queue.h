// MemoryQueue: a stored queue that lives as long as its process: `ack: Memory`.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>

#include "sidecar/link/outbox.h"
#include "sidecar/record/memory_budget.h"

namespace postern::link {

class MemoryQueue final : public StoredQueue {
 public:
  // Bodies come out of `budget`: Append takes over bytes that the door took already.
  MemoryQueue(record::StoreId store, record::MemoryBudget& budget)
      : store_(store), budget_(budget) {}

  void Append(record::Record record, std::uint64_t held, record::Done done) override;
  record::RecordPtr Next() const override;
  std::uint64_t next_sequence() const override { return cursor_; }
  bool next_may_repeat() const override { return cursor_ <= repeat_through_; }
  void Advance() override;
  void Reject() override;
  std::uint64_t StartAfter(std::uint64_t mark, const record::StoreId& keeper) override;
  bool Acknowledge(std::uint64_t through) override;
  const record::StoreId& store() const override { return store_; }
  std::uint64_t last_sequence() const override { return floor_ + records_.size() - 1; }
  std::size_t size() const override { return records_.size(); }
  std::uint64_t unsent_bytes() const override { return unsent_bytes_; }

 private:
  struct Kept {
    record::RecordPtr record;  // null once rejected, while records before it are kept
    std::uint64_t held;
  };
  std::uint64_t SizeAt(std::uint64_t sequence) const;
  void MoveCursor(std::uint64_t to);
  // Takes the first record out; returns what it held.
  std::uint64_t PopFront();

  record::StoreId store_;
  record::MemoryBudget& budget_;
  std::uint64_t floor_ = 1;   // sequence of the first record kept
  std::uint64_t cursor_ = 1;  // sequence of the next record to send
  std::uint64_t sent_through_ = 0;
  std::uint64_t repeat_through_ = 0;
  record::StoreId keeper_{};  // of the parent that was sent to last
  std::uint64_t unsent_bytes_ = 0;
  std::deque<Kept> records_;
};

}  // namespace postern::link
