// The timers of a loop, in order of time.
//
// Threads: loop.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "lib/base/loop.h"

namespace postern::base {

class TimerQueue {
 public:
  [[nodiscard]] Timer Add(Instant due, Task task);
  // Runs every task that is due at `now`; those that they add wait for the next call.
  void RunDue(Instant now);
  // Returns when the next task is due.
  std::optional<Instant> NextDue();

 private:
  std::multimap<Instant, std::weak_ptr<Timer::Entry>> entries_;
};

}  // namespace postern::base
