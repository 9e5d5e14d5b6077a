// A worker that a test drives by hand: work waits until the test lets it run.
//
//   HeldWorker worker;
//   store.Append(…);          // asks for a sync
//   worker.RunOne();          // now it is synced
//
// Threads: loop.
#pragma once

#include <deque>
#include <utility>

#include "lib/base/worker.h"

namespace postern::base {

class HeldWorker final : public Worker {
 public:
  void Run(Task work, Task then) override {
    jobs_.emplace_back(std::move(work), std::move(then));
    if (at_once && !running_) RunAll();  // never within what follows another work
  }
  void Wait() override {
    for (auto& [work, then] : jobs_) std::exchange(work, [] {})();
  }
  std::size_t waiting() const { return jobs_.size(); }
  // Does the oldest work and what follows it; false where there is none.
  bool RunOne() {
    if (jobs_.empty()) return false;
    const auto [work, then] = std::move(jobs_.front());
    jobs_.pop_front();
    running_ = true;
    work();
    then();
    running_ = false;
    return true;
  }
  void RunAll() {
    while (RunOne()) {
    }
  }

  // Whether nothing waits: for tests in which the disk is no matter.
  bool at_once = false;

 private:
  std::deque<std::pair<Task, Task>> jobs_;
  bool running_ = false;
};

}  // namespace postern::base
