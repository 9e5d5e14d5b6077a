#include "lib/base/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/testing/manual_loop.h"

namespace postern::base {
namespace {

using std::chrono::milliseconds;

class Pair {
 public:
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_.data()), 0); }
  ~Pair() {
    close(fds_[0]);
    close(fds_[1]);
  }
  int a() const { return fds_[0]; }
  int b() const { return fds_[1]; }

 private:
  std::array<int, 2> fds_{};
};

struct Recorder final : FdHandler {
  void OnReady(bool readable, bool writable) override {
    seen += readable ? "r" : "";
    seen += writable ? "w" : "";
    if (then) then();
  }
  std::string seen;
  Task then;
};

TEST(EventLoop, RunsPostedTasksInOrderFromAnyThread) {
  const SystemClock clock;
  EventLoop loop(clock);
  std::string order;
  std::thread other([&loop, &order] {
    for (const char letter : std::string("abc")) loop.Post([&order, letter] { order += letter; });
    loop.Post([&loop] { loop.Stop(); });
  });
  loop.Run();
  other.join();
  EXPECT_EQ(order, "abc");
}

TEST(EventLoop, TellsReadersAndWriters) {
  const SystemClock clock;
  EventLoop loop(clock);
  const Pair pair;
  Recorder recorder;
  loop.Watch(pair.a(), true, false, recorder);
  loop.RunOnce(Duration::zero());
  EXPECT_EQ(recorder.seen, "");
  ASSERT_EQ(write(pair.b(), "x", 1), 1);
  loop.RunOnce(Duration::zero());
  EXPECT_EQ(recorder.seen, "r");
  loop.Update(pair.a(), false, true, recorder);
  loop.RunOnce(Duration::zero());
  EXPECT_EQ(recorder.seen, "rw");
  loop.Unwatch(pair.a());
}

TEST(EventLoop, UnwatchedHandlerIsNotCalledForTheSameTurn) {
  const SystemClock clock;
  EventLoop loop(clock);
  const Pair one;
  const Pair two;
  Recorder first;
  Recorder second;
  loop.Watch(one.a(), true, false, first);
  loop.Watch(two.a(), true, false, second);
  first.then = [&] { loop.Unwatch(two.a()); };
  second.then = [&] { loop.Unwatch(one.a()); };
  ASSERT_EQ(write(one.b(), "x", 1), 1);
  ASSERT_EQ(write(two.b(), "x", 1), 1);
  loop.RunOnce(Duration::zero());
  EXPECT_EQ(first.seen.size() + second.seen.size(), 1U);
}

TEST(EventLoop, DeferredTasksRunAfterTheTurnsEvents) {
  const SystemClock clock;
  EventLoop loop(clock);
  std::string order;
  loop.Post([&] {
    loop.Defer([&order] { order += "deferred "; });
    order += "first ";
  });
  loop.Post([&order] { order += "second "; });
  loop.RunOnce(Duration::zero());
  EXPECT_EQ(order, "first second deferred ");
}

TEST(EventLoop, TimerRunsOnceAndNotAfterCancel) {
  const SystemClock clock;
  EventLoop loop(clock);
  int runs = 0;
  Timer kept = loop.PostAfter(milliseconds(1), [&runs] { ++runs; });
  {
    const Timer dropped = loop.PostAfter(milliseconds(1), [&runs] { runs += 100; });
  }
  while (runs == 0) loop.RunOnce(milliseconds(50));
  loop.RunOnce(milliseconds(2));
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(kept.pending());
}

TEST(ManualLoop, RunsTimersAtTheirOwnInstants) {
  ManualLoop loop;
  std::vector<int> order;
  const Timer late = loop.PostAfter(milliseconds(20), [&order] { order.push_back(20); });
  Timer again;
  const Timer early = loop.PostAfter(milliseconds(10), [&] {
    order.push_back(10);
    again = loop.PostAfter(milliseconds(5), [&order] { order.push_back(15); });
  });
  loop.Advance(milliseconds(30));
  EXPECT_EQ(order, (std::vector<int>{10, 15, 20}));
}

TEST(ManualLoop, TaskMayCancelALaterTimerOfTheSameInstant) {
  ManualLoop loop;
  int runs = 0;
  Timer second;
  const Timer first = loop.PostAfter(milliseconds(1), [&] {
    ++runs;
    second.Cancel();
  });
  second = loop.PostAfter(milliseconds(1), [&runs] { ++runs; });
  loop.Advance(milliseconds(1));
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace postern::base
