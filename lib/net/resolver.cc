#include "lib/net/resolver.h"

#include <utility>

namespace postern::net {

Resolver::Resolver(base::Loop& loop) : loop_(loop), thread_([this] { Work(); }) {}

Resolver::~Resolver() {
  {
    base::MutexLock lock(mutex_);
    stopped_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

std::shared_ptr<void> Resolver::Resolve(HostPort target, Done done) {
  auto kept = std::make_shared<Done>(std::move(done));
  {
    base::MutexLock lock(mutex_);
    queries_.push_back({std::move(target), kept});
  }
  changed_.NotifyAll();
  return kept;
}

void Resolver::Work() {
  while (true) {
    Query query;
    {
      base::MutexLock lock(mutex_);
      while (queries_.empty() && !stopped_) changed_.Wait(mutex_);
      if (stopped_) return;
      query = std::move(queries_.front());
      queries_.pop_front();
    }
    if (query.done.expired()) continue;
    // Shared so that the posted task is copyable, as std::function asks.
    auto found = std::make_shared<Addresses>(ResolveBlocking(query.target));
    loop_.Post([found, done = query.done] {
      // The owner may have given up meanwhile; only the loop's thread drops tokens, so this is
      // safe.
      if (const std::shared_ptr<Done> kept = done.lock()) (*kept)(std::move(*found));
    });
  }
}

}  // namespace postern::net
