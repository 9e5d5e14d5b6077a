// What tests with real sockets share: a loop that runs until something holds, and connected
// sockets.
//
//   Loopback net;
//   auto [dialled, accepted] = Loopback::Connect();
//   EXPECT_TRUE(net.RunUntil([&] { return received == "hello"; }));
//
// Threads: loop.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <utility>

#include "lib/base/event_loop.h"
#include "lib/net/address.h"
#include "lib/net/socket.h"

namespace postern::net {

class Loopback {
 public:
  base::EventLoop& loop() { return loop_; }

  // Runs the loop until `holds`; false where that takes longer than any working test does.
  bool RunUntil(const std::function<bool()>& holds) {
    const base::Instant end = clock_.Now() + std::chrono::seconds(20);
    while (!holds()) {
      if (clock_.Now() > end) return false;
      loop_.RunOnce(std::chrono::milliseconds(20));
    }
    return true;
  }
  // Lets what is ready happen, and waits for nothing.
  void Settle(int turns = 10) {
    for (int i = 0; i < turns; ++i) loop_.RunOnce(std::chrono::milliseconds(1));
  }

  // A socket that listens on a free port of 127.0.0.1.
  static Fd ListenAnywhere() {
    base::Result<Fd> listener = Listen(*SocketAddress::FromIp("127.0.0.1", 0));
    EXPECT_TRUE(listener);
    return *std::move(listener);
  }
  // A socket that is connected to `address`.
  static Fd ConnectTo(const SocketAddress& address) {
    base::Result<Fd> dialled = StartConnect(address);
    EXPECT_TRUE(dialled);
    pollfd connected{.fd = dialled->get(), .events = POLLOUT, .revents = 0};
    EXPECT_EQ(poll(&connected, 1, 10'000), 1);
    return *std::move(dialled);
  }
  // Both ends of one connection: dialled, accepted.
  static std::pair<Fd, Fd> Connect() {
    const Fd listener = ListenAnywhere();
    Fd dialled = ConnectTo(SocketAddress::LocalOf(listener.get()));
    pollfd pending{.fd = listener.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&pending, 1, 10'000), 1);
    Fd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_TRUE(accepted.open());
    return {std::move(dialled), std::move(accepted)};
  }

 private:
  base::SystemClock clock_;
  base::EventLoop loop_{clock_};
};

}  // namespace postern::net
