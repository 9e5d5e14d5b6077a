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

void StoredQueue::StartAfter(std::uint64_t mark) {
  // What the parent has seen is not sent again, but kept: only its acknowledgement, which follows
  // Welcome, says that it is done. A parent that dies in between takes what it had with it.
  cursor_ = std::max(floor_, std::min(mark, last_sequence()) + 1);
}

bool StoredQueue::Acknowledge(std::uint64_t through) {
  if (through > last_sequence()) return false;
  std::uint64_t freed = 0;
  while (floor_ <= through) {
    freed += records_.front().held;
    bytes_ -= records_.front().record->body.size();
    records_.pop_front();
    ++floor_;
  }
  cursor_ = std::max(cursor_, floor_);
  // Given back last: whoever waits for it may append at once.
  if (freed > 0) budget_.Give(freed);
  return true;
}

}  // namespace postern::link
