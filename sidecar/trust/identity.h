// Identity: who this relay is and whom it believes, loaded whole and never changed.
//
//   ASSIGN_OR_RETURN(auto identity, LoadIdentity(files, "gw1.example", 1, clock.WallNow()));
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/pki/credentials.h"
#include "lib/pki/tls_context.h"
#include "lib/pki/trust.h"

namespace postern::trust {

struct IdentityFiles {
  std::string chain;  // leaf first, PEM
  std::string key;    // PEM
  std::string roots;  // PEM; the group's id is the hash of the first one's key

  bool operator==(const IdentityFiles&) const = default;
};

struct Identity {
  std::string host;
  std::string group_id;
  std::string serial;
  pki::Trust trust;
  std::uint64_t generation = 0;  // of what was loaded here: verdicts are kept by it
  base::WallTime not_after;
  pki::TlsContext server;             // for those who dial us
  pki::TlsContext client;             // for those whom we dial
  std::vector<base::Error> warnings;  // findings that do not forbid the use
};
using IdentityPtr = std::shared_ptr<const Identity>;

// Reads and judges the files. Fails with the worst finding (its number in event()) and uses nothing
// of a pair that does not fit together: a half-written folder must not break a working relay.
base::Result<IdentityPtr> LoadIdentity(const IdentityFiles& files, const std::string& host,
                                       std::uint64_t generation, base::WallTime now);

}  // namespace postern::trust
