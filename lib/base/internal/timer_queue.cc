#include "lib/base/internal/timer_queue.h"

#include <utility>
#include <vector>

namespace postern::base {

struct Timer::Entry {
  Task task;
};

Timer::Timer(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
Timer::Timer(Timer&& other) noexcept = default;

Timer& Timer::operator=(Timer&& other) noexcept {
  entry_ = std::move(other.entry_);
  return *this;
}

void Timer::Cancel() { entry_.reset(); }

bool Timer::pending() const { return entry_ != nullptr && entry_->task != nullptr; }

Timer TimerQueue::Add(Instant due, Task task) {
  auto entry = std::make_shared<Timer::Entry>(Timer::Entry{std::move(task)});
  entries_.emplace(due, entry);
  return Timer(std::move(entry));
}

void TimerQueue::RunDue(Instant now) {
  std::vector<std::weak_ptr<Timer::Entry>> due;
  while (!entries_.empty() && entries_.begin()->first <= now) {
    due.push_back(std::move(entries_.begin()->second));
    entries_.erase(entries_.begin());
  }
  for (const auto& weak : due) {
    // A task may cancel a later one of the same turn: look again just before running it.
    const std::shared_ptr<Timer::Entry> entry = weak.lock();
    if (entry == nullptr) continue;
    const Task task = std::exchange(entry->task, nullptr);
    if (task) task();
  }
}

std::optional<Instant> TimerQueue::NextDue() {
  while (!entries_.empty() && entries_.begin()->second.expired()) entries_.erase(entries_.begin());
  if (entries_.empty()) return std::nullopt;
  return entries_.begin()->first;
}

}  // namespace postern::base
