// Resolver: looks names up on a thread of its own, so that a slow DNS server stops no loop.
//
// Threads: loop (the look-up itself runs on the resolver's thread).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "lib/base/loop.h"
#include "lib/base/worker.h"
#include "lib/net/address.h"

namespace postern::net {

class Resolver {
 public:
  using Addresses = base::Result<std::vector<SocketAddress>>;
  using Done = std::function<void(Addresses)>;

  // Its end waits for a look-up that is under way; the answer is dropped.
  explicit Resolver(base::Loop& loop) : worker_(loop) {}

  // Calls `done` on the loop, never from within this call. One query at a time, in order. The query
  // is forgotten once `done`'s owner drops the returned token.
  [[nodiscard]] std::shared_ptr<void> Resolve(HostPort target, Done done);

 private:
  base::WorkerThread worker_;
};

}  // namespace postern::net
