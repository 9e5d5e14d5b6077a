// Dial: one attempt to reach a peer at any of its addresses, in order, within a bound.
//
//   auto dial = std::make_unique<Dial>(loop, resolver, targets, 10s, [this](Result<Fd> socket)
//   {…});
//
// Destroying it gives the attempt up. `done` is called once, from the loop, never from the
// constructor; it may destroy the Dial.
//
// Threads: loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "lib/base/loop.h"
#include "lib/net/resolver.h"
#include "lib/net/socket.h"

namespace postern::net {

class Dial final : private base::FdHandler {
 public:
  using Done = std::function<void(base::Result<Fd>)>;

  // `targets` is not empty. `bound` holds for name look-up and connecting together.
  Dial(base::Loop& loop, Resolver& resolver, std::vector<HostPort> targets, base::Duration bound,
       Done done);
  ~Dial();

 private:
  void NextTarget();
  void NextAddress();
  void OnReady(bool readable, bool writable) override;
  void Drop();
  void Finish(base::Result<Fd> outcome);

  base::Loop& loop_;
  Resolver& resolver_;
  std::vector<HostPort> targets_;
  Done done_;
  base::Instant deadline_;
  std::size_t target_ = 0;
  std::vector<SocketAddress> addresses_;
  std::size_t address_ = 0;
  Fd socket_;
  std::shared_ptr<void> query_;
  base::Timer timer_;
  base::Error last_;  // why the address before this one failed
};

}  // namespace postern::net
