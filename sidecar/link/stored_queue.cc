#include "sidecar/link/stored_queue.h"

#include <algorithm>
#include <utility>

namespace postern::link {

void StoredQueue::Append(record::RecordPtr record, std::uint64_t held) {
  bytes_ += record->body.size();
  records_.push_back({std::move(record), held});
  on_append_();
}

record::RecordPtr StoredQueue::Next() const {
  const std::size_t index = static_cast<std::size_t>(cursor_ - floor_);
  return index < records_.size() ? records_[index].record : nullptr;
}

void StoredQueue::Advance() {
  sent_through_ = std::max(sent_through_, cursor_);
  ++cursor_;
  SkipRejected();
}

void StoredQueue::SkipRejected() {
  while (cursor_ <= last_sequence() && Next() == nullptr) ++cursor_;
}

void StoredQueue::Reject() {
  Kept& kept = records_[static_cast<std::size_t>(cursor_ - floor_)];
  bytes_ -= kept.record->body.size();
  kept.record = nullptr;
  const std::uint64_t freed = std::exchange(kept.held, 0);
  while (!records_.empty() && records_.front().record == nullptr) PopFront();
  cursor_ = std::max(cursor_, floor_);
  SkipRejected();
  budget_.Give(freed);
}

std::uint64_t StoredQueue::StartAfter(std::uint64_t mark, const record::StoreId& keeper) {
  // What the parent has seen is not sent again, but kept: only its acknowledgement, which follows
  // Welcome, says that it is done. A parent that dies in between takes what it had with it.
  cursor_ = std::max(floor_, std::min(mark, last_sequence()) + 1);
  SkipRejected();
  if (keeper != keeper_) repeat_through_ = sent_through_;
  keeper_ = keeper;
  return sent_through_ >= cursor_ ? sent_through_ - cursor_ + 1 : 0;
}

std::uint64_t StoredQueue::PopFront() {
  const Kept front = std::move(records_.front());
  records_.pop_front();
  ++floor_;
  if (front.record != nullptr) bytes_ -= front.record->body.size();
  return front.held;
}

bool StoredQueue::Acknowledge(std::uint64_t through) {
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
