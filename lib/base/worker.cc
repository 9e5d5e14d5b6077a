#include "lib/base/worker.h"

#include <utility>

namespace postern::base {

WorkerThread::WorkerThread(Loop& loop) : loop_(loop), thread_([this] { Work(); }) {}

WorkerThread::~WorkerThread() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void WorkerThread::Run(Task work, Task then) {
  {
    MutexLock lock(mutex_);
    jobs_.push_back({std::move(work), std::move(then)});
  }
  changed_.NotifyAll();
}

void WorkerThread::Wait() {
  MutexLock lock(mutex_);
  while (working_ || !jobs_.empty()) changed_.Wait(mutex_);
}

void WorkerThread::Work() {
  while (true) {
    Job job;
    {
      MutexLock lock(mutex_);
      working_ = false;
      changed_.NotifyAll();
      while (jobs_.empty() && !stopped_) changed_.Wait(mutex_);
      if (stopped_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      working_ = true;
    }
    job.work();
    loop_.Post(std::move(job.then));
  }
}

}  // namespace postern::base
