// StatedHealth: a Health that says what a test told it to.
//
// Threads: any.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/mutex.h"
#include "sidecar/admin/health.h"

namespace postern::admin {

class StatedHealth final : public Health {
 public:
  std::vector<std::string> NotReady() const override {
    base::MutexLock lock(mutex_);
    return reasons_;
  }
  bool Alive() const override { return alive_; }
  void StartDrain() override {
    ++drains_;
    SetNotReady({"draining"});
  }

  void SetNotReady(std::vector<std::string> reasons) {
    base::MutexLock lock(mutex_);
    reasons_ = std::move(reasons);
  }
  void SetAlive(bool alive) { alive_ = alive; }
  int drains() const { return drains_; }

 private:
  mutable base::Mutex mutex_;
  std::vector<std::string> reasons_ GUARDED_BY(mutex_);
  std::atomic<bool> alive_{true};
  std::atomic<int> drains_{0};
};

}  // namespace postern::admin
