// A loop that a test drives by hand: no threads, no waiting, time from a FakeClock.
//
//   ManualLoop loop;
//   loop.Advance(5s);       // runs what is due on the way, in order
//
// Sockets: use EventLoop.
// Threads: loop.
#pragma once

#include <deque>

#include "lib/base/check.h"
#include "lib/base/internal/timer_queue.h"
#include "lib/base/testing/fake_clock.h"

namespace postern::base {

class ManualLoop final : public Loop {
 public:
  const Clock& clock() const override { return clock_; }
  FakeClock& fake_clock() { return clock_; }

  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  Timer PostAfter(Duration wait, Task task) override {
    return timers_.Add(clock_.Now() + wait, std::move(task));
  }
  void Defer(Task task) override { tasks_.push_back(std::move(task)); }
  void Watch(int, bool, bool, FdHandler&) override { CHECK(false, "a ManualLoop has no sockets"); }
  void Update(int, bool, bool, FdHandler&) override { CHECK(false, "a ManualLoop has no sockets"); }
  void Unwatch(int) override { CHECK(false, "a ManualLoop has no sockets"); }
  double BusyShare() const override { return busy_share; }

  // Runs tasks until none is left.
  void RunUntilIdle() {
    while (!tasks_.empty()) {
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  // Moves time forward and runs every timer at its own instant.
  void Advance(Duration by) {
    RunUntilIdle();
    const Instant end = clock_.Now() + by;
    while (const auto due = timers_.NextDue()) {
      if (*due > end) break;
      if (*due > clock_.Now()) clock_.Advance(*due - clock_.Now());
      timers_.RunDue(clock_.Now());
      RunUntilIdle();
    }
    clock_.Advance(end - clock_.Now());
  }

  double busy_share = 0;

 private:
  FakeClock clock_;
  TimerQueue timers_;
  std::deque<Task> tasks_;
};

}  // namespace postern::base
