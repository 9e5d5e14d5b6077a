// IdentitySource: keeps the relay's identity as fresh as the files it comes from.
//
// Looks at the files every half second (a Secret mount swaps links, which file watches miss) and
// publishes a new Identity once the new files are whole and valid; until then the old one stays.
//
// Threads: loop.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lib/base/loop.h"
#include "sidecar/trust/identity.h"

namespace postern::trust {

class IdentitySource {
 public:
  struct Hooks {
    std::function<void(IdentityPtr)> on_change;
    // The files changed to something that cannot be used. Told once for each such state.
    std::function<void(const base::Error&)> on_refused;
  };

  // `first` was loaded from `files`, which may have changed since.
  IdentitySource(base::Loop& loop, IdentityFiles files, IdentityPtr first, Hooks hooks);

  IdentityPtr current() const { return current_; }

 private:
  // What tells one version of a file from the next without reading it.
  struct Stamp {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 3>;

  Stamps Look() const;
  void Check();
  void Refuse(const base::Error& why);

  base::Loop& loop_;
  IdentityFiles files_;
  IdentityPtr current_;
  Hooks hooks_;
  std::optional<Stamps> seen_;  // none at first: files may have changed since `first` was loaded
  std::uint64_t generation_;
  std::string refused_;  // what was told of the files as they are; empty: they are in use
  base::Instant retry_;  // when files that were refused are looked at again
  base::Timer timer_;
};

}  // namespace postern::trust
