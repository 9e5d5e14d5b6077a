// Resolver: looks names up on a thread of its own, so that a slow DNS server stops no loop.
//
// Threads: loop (the look-up itself runs on the resolver's thread).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "lib/base/loop.h"
#include "lib/base/mutex.h"
#include "lib/net/address.h"

namespace postern::net {

class Resolver {
 public:
  using Addresses = base::Result<std::vector<SocketAddress>>;
  using Done = std::function<void(Addresses)>;

  explicit Resolver(base::Loop& loop);
  // Waits for a look-up that is under way; its answer is dropped.
  ~Resolver();

  // Calls `done` on the loop, never from within this call. One query at a time, in order. The query
  // is forgotten once `done`'s owner drops the returned token.
  [[nodiscard]] std::shared_ptr<void> Resolve(HostPort target, Done done);

 private:
  struct Query {
    HostPort target;
    std::weak_ptr<Done> done;
  };
  void Work();

  base::Loop& loop_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<Query> queries_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::net
