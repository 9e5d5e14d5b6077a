// Loop: one thread that owns objects, runs tasks in order, keeps timers and waits for sockets.
//
// Objects marked `Threads: loop` are made, used and destroyed on their loop's thread, so they need
// no locks; other threads reach them with Post.
//
//   Timer timer = loop.PostAfter(5s, [this] { OnSilence(); });   // destroying the Timer cancels it
//   loop.Defer([this] { Flush(); });                             // once, after this turn's events
//
// Threads: Post from any; everything else on the loop's own thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "lib/base/clock.h"

namespace postern::base {

using Task = std::function<void()>;

// Told by the loop that a descriptor is ready. Outlives its watch.
class FdHandler {
 public:
  // `readable` includes errors and hang-ups: the next read tells which.
  virtual void OnReady(bool readable, bool writable) = 0;

 protected:
  ~FdHandler() = default;
};

class Loop;

// A task that waits for its time. Cancelled when destroyed; an empty Timer waits for nothing.
class Timer {
 public:
  Timer() = default;
  Timer(Timer&& other) noexcept;
  Timer& operator=(Timer&& other) noexcept;
  ~Timer() { Cancel(); }

  void Cancel();
  bool pending() const;

 private:
  friend class TimerQueue;
  struct Entry;
  explicit Timer(std::shared_ptr<Entry> entry);
  std::shared_ptr<Entry> entry_;
};

class Loop {
 public:
  virtual ~Loop() = default;

  virtual const Clock& clock() const = 0;
  // Runs `task` on the loop's thread, in the order of the calls. From any thread.
  virtual void Post(Task task) = 0;
  // Runs `task` on the loop's thread once `wait` has passed, unless the Timer is gone by then.
  [[nodiscard]] virtual Timer PostAfter(Duration wait, Task task) = 0;
  // Runs `task` once, after the events of this turn: where answers of one turn become one write.
  virtual void Defer(Task task) = 0;

  // Tells `handler` whenever `fd` is readable (level-triggered) and, if `writable`, when it takes
  // more. One watch for a descriptor.
  virtual void Watch(int fd, bool readable, bool writable, FdHandler& handler) = 0;
  virtual void Update(int fd, bool readable, bool writable, FdHandler& handler) = 0;
  // `handler` is not called again, not even for events already seen in this turn.
  virtual void Unwatch(int fd) = 0;

  // The share of the last half second or so in which the thread was not waiting: 0 idle, 1
  // saturated.
  virtual double BusyShare() const = 0;
};

}  // namespace postern::base
