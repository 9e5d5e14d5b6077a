// Admission: which children may use this relay. Their certificates are judged by lib/pki; here it
// is decided who of those is a member that is expected at this door.
//
//   ASSIGN_OR_RETURN(Member member, admission.Judge(tls.PeerChain(), *identity, now));
//
// Threads: loop.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/result.h"
#include "lib/pki/verify.h"
#include "sidecar/trust/identity.h"

namespace postern::trust {

class Admission {
 public:
  // Registered hosts, lower case; "*" admits every host that the group's CA signed for.
  explicit Admission(std::set<std::string> registered) : registered_(std::move(registered)) {}

  // Judges a peer's chain. Verdicts are kept by leaf and generation, so that asking again for each
  // new stream costs a look-up; times and registration are looked at anew. kDenied and kExpired
  // carry the finding's number, 20000 for a host that is not registered.
  base::Result<pki::PeerIdentity> Judge(const std::vector<pki::Certificate>& chain,
                                        const Identity& identity, base::WallTime now);

  // Whether a refusal may tell its reason: only to those whose chain leads to our trust.
  static bool MayTell(const base::Error& refusal);
  // The line that everybody else gets.
  static base::Error Generic();

 private:
  struct Verdict {
    std::uint64_t generation = 0;
    pki::PeerIdentity peer;
  };

  std::set<std::string> registered_;
  std::unordered_map<std::string, Verdict> verdicts_;  // by the leaf's fingerprint; only good ones
};

}  // namespace postern::trust
