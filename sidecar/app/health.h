// What the admin port tells of this relay, set by the loop and read by the admin server's thread.
//
// Threads: any.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/mutex.h"
#include "sidecar/admin/admin.h"

namespace postern::app {

class Health final : public admin::Health {
 public:
  // `on_drain` is called on the admin server's thread.
  void OnDrain(std::function<void()> on_drain) { on_drain_ = std::move(on_drain); }
  void SetNotReady(std::vector<std::string> reasons) {
    base::MutexLock lock(mutex_);
    reasons_ = std::move(reasons);
  }

  std::vector<std::string> NotReady() const override {
    base::MutexLock lock(mutex_);
    return reasons_;
  }
  // A loop that hangs does not answer its heartbeats either; the process itself tells no more.
  bool Alive() const override { return true; }
  void StartDrain() override { on_drain_(); }

 private:
  std::function<void()> on_drain_ = [] {};
  mutable base::Mutex mutex_;
  std::vector<std::string> reasons_ GUARDED_BY(mutex_) = {"starting"};
};

}  // namespace postern::app
