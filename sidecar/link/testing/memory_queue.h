// MemoryQueue: a stored queue without a disk, for tests of links.
//
// Threads: loop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "sidecar/link/outbox.h"

namespace postern::link {

class MemoryQueue final : public StoredQueue {
 public:
  explicit MemoryQueue(record::StoreId store) : store_(store) {}

  void Append(record::Record record) {
    record.origin.store = store_;
    record.origin.sequence = last_sequence() + 1;
    records_.push_back(std::make_shared<const record::Record>(std::move(record)));
    TellReady();
  }

  record::RecordPtr Next() override {
    // Rejected ones are null.
    while (next_ <= last_sequence() && records_[next_ - floor_] == nullptr) ++next_;
    return next_ <= last_sequence() ? records_[next_ - floor_] : nullptr;
  }
  std::uint64_t next_sequence() const override { return next_; }
  bool next_was_sent() const override { return next_ <= sent_through_; }
  bool next_may_repeat() const override { return next_ <= repeat_through_; }
  void Advance() override {
    sent_through_ = std::max(sent_through_, next_);
    ++next_;
  }
  void Reject(const std::string& /*why*/) override { records_[next_ - floor_] = nullptr; }
  base::Status CheckMark(const ParentMark& mark) override {
    if (mark.sequence <= last_sequence()) return {};
    return base::Fail(base::Code::kConflict, "the mark is above the last record");
  }
  void StartAfter(std::uint64_t mark, const record::StoreId& keeper) override {
    next_ = std::max(floor_, mark + 1);
    if (keeper != keeper_) repeat_through_ = sent_through_;
    keeper_ = keeper;
  }
  void GoBack() override { next_ = floor_; }
  bool Acknowledge(std::uint64_t through) override {
    if (through > sent_through_) return false;
    for (; floor_ <= through; ++floor_) records_.pop_front();
    next_ = std::max(next_, floor_);
    return true;
  }
  const record::StoreId& store() const override { return store_; }
  std::uint64_t last_sequence() const override { return floor_ + records_.size() - 1; }
  std::uint64_t unsent_bytes() const override {
    std::uint64_t bytes = 0;
    for (std::uint64_t at = next_; at <= last_sequence(); ++at) {
      if (records_[at - floor_] != nullptr) bytes += records_[at - floor_]->body.size();
    }
    return bytes;
  }

  // Not acknowledged and not rejected.
  std::size_t size() const {
    return records_.size() -
           static_cast<std::size_t>(std::count(records_.begin(), records_.end(), nullptr));
  }
  bool empty() const { return size() == 0; }

 private:
  record::StoreId store_;
  std::uint64_t floor_ = 1;  // sequence of the first record kept
  std::uint64_t next_ = 1;
  std::uint64_t sent_through_ = 0;
  std::uint64_t repeat_through_ = 0;
  record::StoreId keeper_{};
  std::deque<record::RecordPtr> records_;
};

}  // namespace postern::link
