#include "lib/net/resolver.h"

#include <optional>
#include <utility>

namespace postern::net {

std::shared_ptr<void> Resolver::Resolve(HostPort target, Done done) {
  auto kept = std::make_shared<Done>(std::move(done));
  auto found = std::make_shared<std::optional<Addresses>>();
  const std::weak_ptr<Done> asked(kept);
  worker_.Run(
      [found, asked, target = std::move(target)] {
        if (!asked.expired()) *found = ResolveBlocking(target);
      },
      [found, asked] {
        // The owner may have given up meanwhile; only the loop's thread drops tokens, so this is
        // safe.
        const std::shared_ptr<Done> waiting = asked.lock();
        if (waiting && *found) (*waiting)(std::move(**found));
      });
  return kept;
}

}  // namespace postern::net
