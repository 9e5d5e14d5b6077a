// Listener: accepts sockets, counted by Intake before anything is read from them.
//
// Threads: loop.
#pragma once

#include <functional>

#include "lib/base/loop.h"
#include "lib/net/intake.h"
#include "lib/net/socket.h"

namespace postern::net {

class Listener final : private base::FdHandler {
 public:
  using OnSocket = std::function<void(Fd, const SocketAddress& peer, Intake::Pass)>;

  // `on_socket` is called for each admitted socket; the others are closed and told to `on_refused`.
  // Neither may destroy the listener, and no Pass outlives it.
  Listener(base::Loop& loop, Fd socket, const Intake::Limits& limits, OnSocket on_socket,
           std::function<void()> on_refused);
  ~Listener();

  // Where it really listens: the port is told here when 0 was asked for.
  const SocketAddress& address() const { return address_; }
  const Intake& intake() const { return intake_; }
  // Stops accepting. Sockets that were accepted live on.
  void Stop();

 private:
  void OnReady(bool readable, bool writable) override;
  void Rest();

  base::Loop& loop_;
  Fd socket_;
  SocketAddress address_;
  Intake intake_;
  OnSocket on_socket_;
  std::function<void()> on_refused_;
  base::Timer rest_;
  bool stopped_ = false;
};

}  // namespace postern::net
