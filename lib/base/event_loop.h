// EventLoop: the Loop of a running program, on epoll.
//
//   EventLoop loop(clock);
//   loop.Run();            // until Stop(), from any thread or a task
//
// Threads: Post and Stop from any; everything else on the thread that calls Run, or before it.
#pragma once

#include <atomic>
#include <unordered_map>
#include <vector>

#include "lib/base/internal/timer_queue.h"
#include "lib/base/loop.h"
#include "lib/base/mutex.h"

struct epoll_event;

namespace postern::base {

class EventLoop final : public Loop {
 public:
  // Aborts where the kernel gives no epoll or event descriptor: nothing can run then.
  explicit EventLoop(const Clock& clock);
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void Run();
  // Ends Run after the current turn. Tasks posted later are kept and never run.
  void Stop();
  // One turn: waits for at most `most`, handles what is ready. For tests and simple tools.
  void RunOnce(Duration most);

  const Clock& clock() const override { return clock_; }
  void Post(Task task) override;
  Timer PostAfter(Duration wait, Task task) override;
  void Defer(Task task) override;
  void Watch(int fd, bool readable, bool writable, FdHandler& handler) override;
  void Update(int fd, bool readable, bool writable, FdHandler& handler) override;
  void Unwatch(int fd) override;
  double BusyShare() const override { return busy_share_; }

 private:
  void Control(int operation, int fd, bool readable, bool writable, FdHandler* handler);
  int WaitMilliseconds(Duration most);
  void RunPosted();
  void RunDeferred();
  void NoteWait(Instant before, Instant after);

  const Clock& clock_;
  const int epoll_;
  const int wake_;
  TimerQueue timers_;
  std::vector<Task> deferred_;
  std::unordered_map<int, FdHandler*> handlers_;
  std::vector<epoll_event> ready_;  // this turn's; entries of unwatched descriptors are blanked
  int ready_count_ = 0;

  Instant window_start_;
  Duration window_waited_{0};
  double busy_share_ = 0;

  std::atomic<bool> stopped_{false};
  Mutex mutex_;
  std::vector<Task> posted_ GUARDED_BY(mutex_);
};

}  // namespace postern::base
