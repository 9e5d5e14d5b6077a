#include "sidecar/link/memory_queue.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace postern::link {

void MemoryQueue::Append(record::Record record, std::uint64_t held, record::Done done) {
  record.origin.store = store_;
  record.origin.sequence = last_sequence() + 1;
  unsent_bytes_ += record.body.size();
  records_.push_back({std::make_shared<const record::Record>(std::move(record)), held});
  TellReady();
  done({});
}

record::RecordPtr MemoryQueue::Next() const {
  const std::size_t index = static_cast<std::size_t>(cursor_ - floor_);
  return index < records_.size() ? records_[index].record : nullptr;
}

std::uint64_t MemoryQueue::SizeAt(std::uint64_t sequence) const {
  const record::RecordPtr& record = records_[static_cast<std::size_t>(sequence - floor_)].record;
  return record == nullptr ? 0 : record->body.size();
}

// To `to`, or to the first record behind it that is not rejected.
void MemoryQueue::MoveCursor(std::uint64_t to) {
  for (; cursor_ > to; --cursor_) unsent_bytes_ += SizeAt(cursor_ - 1);
  for (; cursor_ < to; ++cursor_) unsent_bytes_ -= SizeAt(cursor_);
  while (cursor_ <= last_sequence() && Next() == nullptr) ++cursor_;
}

void MemoryQueue::Advance() {
  sent_through_ = std::max(sent_through_, cursor_);
  MoveCursor(cursor_ + 1);
}

void MemoryQueue::Reject() {
  unsent_bytes_ -= SizeAt(cursor_);
  Kept& kept = records_[static_cast<std::size_t>(cursor_ - floor_)];
  kept.record = nullptr;
  const std::uint64_t freed = std::exchange(kept.held, 0);
  MoveCursor(cursor_ + 1);
  while (!records_.empty() && records_.front().record == nullptr) PopFront();
  budget_.Give(freed);
}

std::uint64_t MemoryQueue::StartAfter(std::uint64_t mark, const record::StoreId& keeper) {
  // What the parent has seen is not sent again, but kept: only its acknowledgement, which follows
  // Welcome, says that it is done. A parent that dies in between takes what it had with it.
  MoveCursor(std::max(floor_, std::min(mark, last_sequence()) + 1));
  if (keeper != keeper_) repeat_through_ = sent_through_;
  keeper_ = keeper;
  return sent_through_ >= cursor_ ? sent_through_ - cursor_ + 1 : 0;
}

// Requires that the cursor is behind it.
std::uint64_t MemoryQueue::PopFront() {
  const std::uint64_t held = records_.front().held;
  records_.pop_front();
  ++floor_;
  return held;
}

bool MemoryQueue::Acknowledge(std::uint64_t through) {
  if (through > last_sequence()) return false;
  MoveCursor(std::max(cursor_, through + 1));
  std::uint64_t freed = 0;
  const auto rejected = [this] { return !records_.empty() && !records_.front().record; };
  while (floor_ <= through || rejected()) freed += PopFront();
  // Given back last: whoever waits for it may append at once.
  if (freed > 0) budget_.Give(freed);
  return true;
}

}  // namespace postern::link
