#include "lib/base/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "lib/base/check.h"

namespace postern::base {
namespace {

constexpr int kEventsPerTurn = 256;
constexpr Duration kBusyWindow = std::chrono::milliseconds(100);

std::uint32_t Interest(bool readable, bool writable) {
  return (readable ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
         (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

}  // namespace

EventLoop::EventLoop(const Clock& clock)
    : clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      ready_(kEventsPerTurn),
      window_start_(clock.Now()) {
  CHECK(epoll_ >= 0 && wake_ >= 0, "the kernel gives descriptors for epoll and its wake-up");
  Control(EPOLL_CTL_ADD, wake_, true, false, nullptr);
}

EventLoop::~EventLoop() {
  close(wake_);
  close(epoll_);
}

void EventLoop::Run() {
  while (!stopped_.load(std::memory_order_acquire)) RunOnce(std::chrono::seconds(60));
}

void EventLoop::Stop() {
  stopped_.store(true, std::memory_order_release);
  Post([] {});
}

void EventLoop::RunOnce(Duration most) {
  const Instant before = clock_.Now();
  ready_count_ = epoll_wait(epoll_, ready_.data(), kEventsPerTurn, WaitMilliseconds(most));
  NoteWait(before, clock_.Now());
  CHECK(ready_count_ >= 0 || errno == EINTR, "epoll_wait fails only by a signal");
  for (int i = 0; i < ready_count_; ++i) {
    const std::uint32_t events = ready_[static_cast<std::size_t>(i)].events;
    auto* handler = static_cast<FdHandler*>(ready_[static_cast<std::size_t>(i)].data.ptr);
    if (handler == nullptr) continue;
    handler->OnReady((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0, (events & EPOLLOUT) != 0);
  }
  ready_count_ = 0;
  RunPosted();
  timers_.RunDue(clock_.Now());
  RunDeferred();
}

int EventLoop::WaitMilliseconds(Duration most) {
  Duration wait = most;
  if (const auto due = timers_.NextDue()) wait = std::min(wait, *due - clock_.Now());
  if (!deferred_.empty() || wait <= Duration::zero()) return 0;
  // Rounded up: waking a fraction of a millisecond early would spin until the timer is due.
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

void EventLoop::RunPosted() {
  std::vector<Task> tasks;
  {
    MutexLock lock(mutex_);
    if (posted_.empty()) return;
    tasks.swap(posted_);
    std::uint64_t count = 0;
    // Drained under the lock: a Post after this sees an empty queue and wakes us again.
    [[maybe_unused]] const ssize_t drained = read(wake_, &count, sizeof count);
  }
  for (const Task& task : tasks) task();
}

void EventLoop::RunDeferred() {
  // What deferred tasks defer runs in this turn too: an answer may cause one more write.
  while (!deferred_.empty()) {
    std::vector<Task> tasks;
    tasks.swap(deferred_);
    for (const Task& task : tasks) task();
  }
}

void EventLoop::NoteWait(Instant before, Instant after) {
  window_waited_ += after - before;
  const Duration window = after - window_start_;
  if (window < kBusyWindow) return;
  const double busy =
      1.0 - static_cast<double>(window_waited_.count()) / static_cast<double>(window.count());
  busy_share_ = 0.7 * busy_share_ + 0.3 * std::clamp(busy, 0.0, 1.0);
  window_start_ = after;
  window_waited_ = Duration::zero();
}

void EventLoop::Post(Task task) {
  MutexLock lock(mutex_);
  posted_.push_back(std::move(task));
  if (posted_.size() > 1) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
}

Timer EventLoop::PostAfter(Duration wait, Task task) {
  return timers_.Add(clock_.Now() + wait, std::move(task));
}

void EventLoop::Defer(Task task) { deferred_.push_back(std::move(task)); }

void EventLoop::Watch(int fd, bool readable, bool writable, FdHandler& handler) {
  const bool added = handlers_.emplace(fd, &handler).second;
  CHECK(added, "a descriptor has one watch");
  Control(EPOLL_CTL_ADD, fd, readable, writable, &handler);
}

void EventLoop::Update(int fd, bool readable, bool writable, FdHandler& handler) {
  Control(EPOLL_CTL_MOD, fd, readable, writable, &handler);
}

void EventLoop::Unwatch(int fd) {
  const auto found = handlers_.find(fd);
  CHECK(found != handlers_.end(), "only a watched descriptor is unwatched");
  for (int i = 0; i < ready_count_; ++i) {
    auto& event = ready_[static_cast<std::size_t>(i)];
    if (event.data.ptr == found->second) event.data.ptr = nullptr;
  }
  handlers_.erase(found);
  Control(EPOLL_CTL_DEL, fd, false, false, nullptr);
}

void EventLoop::Control(int operation, int fd, bool readable, bool writable, FdHandler* handler) {
  epoll_event event{};
  event.events = Interest(readable, writable);
  event.data.ptr = handler;
  const int failed = epoll_ctl(epoll_, operation, fd, &event);
  CHECK(failed == 0, "epoll takes every open descriptor");
}

}  // namespace postern::base
