#include "sidecar/link/memory_queue.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace postern::link {

void MemoryQueue::Append(record::Record record, std::uint64_t held, record::Done done) {
  record.origin.store = store_;
  record.origin.sequence = last_sequence() + 1;
  bytes_ += record.body.size();
  records_.push_back({std::make_shared<const record::Record>(std::move(record)), held});
  TellReady();
  done({});
}

record::RecordPtr MemoryQueue::Next() const {
  const std::size_t index = static_cast<std::size_t>(cursor_ - floor_);
  return index < records_.size() ? records_[index].record : nullptr;
}

void MemoryQueue::Advance() {
  sent_through_ = std::max(sent_through_, cursor_);
  ++cursor_;
  SkipRejected();
}

void MemoryQueue::SkipRejected() {
  while (cursor_ <= last_sequence() && Next() == nullptr) ++cursor_;
}

void MemoryQueue::Reject() {
  Kept& kept = records_[static_cast<std::size_t>(cursor_ - floor_)];
  bytes_ -= kept.record->body.size();
  kept.record = nullptr;
  const std::uint64_t freed = std::exchange(kept.held, 0);
  while (!records_.empty() && records_.front().record == nullptr) PopFront();
  cursor_ = std::max(cursor_, floor_);
  SkipRejected();
  budget_.Give(freed);
}

std::uint64_t MemoryQueue::StartAfter(std::uint64_t mark, const record::StoreId& keeper) {
  // What the parent has seen is not sent again, but kept: only its acknowledgement, which follows
  // Welcome, says that it is done. A parent that dies in between takes what it had with it.
  cursor_ = std::max(floor_, std::min(mark, last_sequence()) + 1);
  SkipRejected();
  if (keeper != keeper_) repeat_through_ = sent_through_;
  keeper_ = keeper;
  return sent_through_ >= cursor_ ? sent_through_ - cursor_ + 1 : 0;
}

std::uint64_t MemoryQueue::PopFront() {
  const Kept front = std::move(records_.front());
  records_.pop_front();
  ++floor_;
  if (front.record != nullptr) bytes_ -= front.record->body.size();
  return front.held;
}

bool MemoryQueue::Acknowledge(std::uint64_t through) {
  if (through > last_sequence()) return false;
  std::uint64_t freed = 0;
  const auto rejected = [this] { return !records_.empty() && !records_.front().record; };
  while (floor_ <= through || rejected()) freed += PopFront();
  cursor_ = std::max(cursor_, floor_);
  // Given back last: whoever waits for it may append at once.
  if (freed > 0) budget_.Give(freed);
  return true;
}

}  // namespace postern::link
