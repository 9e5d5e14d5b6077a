// VerifyPeer: who is at the other end, or why it is not believed.
//
// Pure: reads no clock, no file and no network, so its verdict can be kept by leaf and trust, from
// not_before to not_after.
// OpenSSL checks signatures and the path; the rules for members are ours. TLS itself checks nothing
// (see tls_context.h).
//
//   ASSIGN_OR_RETURN(const PeerIdentity peer,
//                    VerifyPeer(session.PeerChain(), trust, {.host = "ms1.example"}, now));
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/pki/certificate.h"
#include "lib/pki/trust.h"

namespace postern::pki {

struct Expectation {
  // Whom we dialled, not empty; nullopt: whoever the certificate names.
  std::optional<std::string> host = {};
};

struct PeerIdentity {
  std::string host;  // lower case
  std::string serial;
  std::string fingerprint;
  std::string public_key_id;
  base::WallTime not_before;
  base::WallTime not_after;  // of the leaf, or of a CA above it where that ends earlier
};

// Checks `chain` (leaf first, as the peer sent it) at the time `now`. Fails with the first finding:
//   kDenied   20002 no certificate          20072 no path to our trust   61004 path too long
//             61001 denied host or serial   20050 extended usage         20069 usage, kind of key
//             61006 weak key or hash        20052 name                   20049 not valid yet
//   kExpired  20049 the leaf is over        20072 a CA above it is over
// Every number but 20002, 20072, 61004 and 61006 means that the chain leads to our trust: such a
// peer may be told the reason.
base::Result<PeerIdentity> VerifyPeer(const std::vector<Certificate>& chain, const Trust& trust,
                                      const Expectation& expectation, base::WallTime now);

}  // namespace postern::pki
