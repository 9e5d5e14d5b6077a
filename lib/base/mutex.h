// A mutex that clang can check: fields say which lock guards them, callers say which they hold.
//
//   Mutex mutex_;
//   int count_ GUARDED_BY(mutex_) = 0;
//   { MutexLock lock(mutex_); ++count_; }
//
// Attributes: clang's "Thread Safety Analysis"; g++ ignores them.
// Threads: any.
#pragma once

#include <condition_variable>
#include <mutex>

#include "lib/base/clock.h"

#if defined(__clang__)
#define POSTERN_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define POSTERN_THREAD_ATTRIBUTE(x)
#endif
#define GUARDED_BY(x) POSTERN_THREAD_ATTRIBUTE(guarded_by(x))
#define REQUIRES(x) POSTERN_THREAD_ATTRIBUTE(requires_capability(x))

namespace postern::base {

class POSTERN_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() POSTERN_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void Unlock() POSTERN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class POSTERN_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) POSTERN_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() POSTERN_THREAD_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  // Waits for a signal, or until `most` has passed. Wakes without cause too: check again.
  void WaitFor(Mutex& mutex, Duration most) REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    changed_.wait_for(held, most);
    held.release();
  }
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    changed_.wait(held);
    held.release();
  }
  void NotifyAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace postern::base
