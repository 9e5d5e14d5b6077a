// Worker: where calls that wait, for a disk or a name server, run, so that no loop does.
//
//   worker.Run([answer] { *answer = Sync(); }, [this, answer] { OnSynced(*answer); });
//
// What both tasks share is owned by both: a worker that ends drops what it has not begun.
#pragma once

#include <deque>
#include <thread>

#include "lib/base/loop.h"
#include "lib/base/mutex.h"

namespace postern::base {

// Threads: loop (the work itself runs elsewhere).
class Worker {
 public:
  virtual ~Worker() = default;
  // Runs `work` after everything that was given before, then `then` on the loop, in a turn of its
  // own.
  virtual void Run(Task work, Task then) = 0;
  // Returns once all work that was given has run; what follows it comes as ever.
  virtual void Wait() = 0;
};

// A worker with one thread.
class WorkerThread final : public Worker {
 public:
  explicit WorkerThread(Loop& loop);
  // Waits for the work that is under way; the `then` of it may still come.
  ~WorkerThread() override;

  void Run(Task work, Task then) override;
  void Wait() override;

 private:
  struct Job {
    Task work;
    Task then;
  };
  void Work();

  Loop& loop_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  bool working_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::base
