// Published<T>: one immutable snapshot that everybody reads and one writer replaces whole.
//
//   Published<Config> config(std::make_shared<const Config>(first));
//   config.Set(std::make_shared<const Config>(next));   // validate first, then swap
//   std::shared_ptr<const Config> now = config.Get();
//
// A mutex, not std::atomic<shared_ptr>: ThreadSanitizer reports a race inside the one of
// libstdc++ 12.
//
// Threads: any.
#pragma once

#include <memory>
#include <utility>

#include "lib/base/mutex.h"

namespace postern::base {

template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first) : current_(std::move(first)) {}

  std::shared_ptr<const T> Get() const {
    MutexLock lock(mutex_);
    return current_;
  }
  void Set(std::shared_ptr<const T> next) {
    MutexLock lock(mutex_);
    current_.swap(next);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> current_ GUARDED_BY(mutex_);
};

}  // namespace postern::base
