// What the admin port tells of this relay, set by the loop and read by the admin server's thread.
//
// Threads: any.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/mutex.h"
#include "sidecar/admin/admin.h"

namespace postern::app {

class Health final : public admin::Health {
 public:
  // Without a beat for this long the loop hangs: far more than any turn of it takes, and less than
  // Kubernetes waits before it restarts the relay.
  static constexpr base::Duration kLongestTurn = std::chrono::seconds(10);

  explicit Health(const base::Clock& clock) : clock_(clock), beat_(clock.Now()) {}

  // Called by the loop at each housekeeping: every 200 ms.
  void Beat() { beat_ = clock_.Now(); }
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
  bool Alive() const override { return clock_.Now() - beat_.load() < kLongestTurn; }
  void StartDrain() override { on_drain_(); }

 private:
  const base::Clock& clock_;
  std::atomic<base::Instant> beat_;
  std::function<void()> on_drain_ = [] {};
  mutable base::Mutex mutex_;
  std::vector<std::string> reasons_ GUARDED_BY(mutex_) = {"starting"};
};

}  // namespace postern::app
