#include "sidecar/record/memory_budget.h"

#include <algorithm>

#include "lib/base/check.h"

namespace postern::record {

bool MemoryBudget::TryTake(std::uint64_t bytes) {
  if (!waiting_.empty() || !Fits(bytes)) return false;
  used_ += bytes;
  return true;
}

void MemoryBudget::Give(std::uint64_t bytes) {
  CHECK(bytes <= used_, "only what was taken is given back");
  used_ -= bytes;
  Serve();
}

std::uint64_t MemoryBudget::TakeStanding(std::uint64_t most) {
  const std::uint64_t taken = std::min(most, total_ / 4 - standing_);
  standing_ += taken;
  used_ += taken;
  return taken;
}

void MemoryBudget::StopWaiting(const Waiter& waiter) {
  waiting_.remove_if([&waiter](const Place& place) { return place.waiter == &waiter; });
  Serve();
}

void MemoryBudget::Serve() {
  // A waiter that gives bytes back at once would enter here again and serve the same place twice.
  if (serving_) return;
  serving_ = true;
  while (!waiting_.empty() && Fits(waiting_.front().bytes)) {
    const Place place = waiting_.front();
    waiting_.pop_front();
    used_ += place.bytes;
    place.waiter->OnGranted();
  }
  serving_ = false;
}

}  // namespace postern::record
