// A small CA for tests: members with right certificates, and with each kind of wrong one.
//
//   TestAuthority ca;
//   const Credentials gw1 = ca.MakeMember("gw1.example");
//   VerifyPeer(gw1.chain, ca.trust(), {}, ca.now());   // gw1.example
//   VerifyPeer(ca.MakeFlawed("gw1.example", Flaw::kExpired).chain, …);   // 20049
//
// Keys are made quickly (ECDSA P-256); where a flaw asks for another key, a little slower.
// Threads: immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/pki/authority.h"
#include "lib/pki/credentials.h"
#include "lib/pki/trust.h"

namespace postern::pki {

enum class Flaw : std::uint8_t {
  kNone,
  kExpired,
  kNotYetValid,
  kNoServerUsage,
  kNoClientUsage,
  kNoExtendedUsage,
  kWrongCommonName,    // another host in both places
  kHostNotInDnsNames,  // the right common name above other DNS names
  kNoName,             // neither a common name nor DNS names
  kNulInName,          // "HOST\0.evil.example"
  kWildcard,           // "*.example"
  kWeakRsa,            // RSA 1024
  kOddRsa,             // RSA 2560
  kOddCurve,           // P-521
  kEd25519,
  kSha1Signature,
  kNoDigitalSignature,
  kNoKeyEncipherment,  // with an RSA key
  kCaAsLeaf,
  kSelfSigned,
  kOtherAuthority,       // a CA of the same name with another key
  kSiblingAuthority,     // a CA below our root that is not ours; sent along
  kPathTooLong,          // two CAs below a root that allows one; sent along
  kExpiredIntermediate,  // sent along
  kNotACaAbove,          // signed by another member's key; sent along
  kWrongKey,             // right certificate, another's key
  kLongLived,            // more than half of the CA's life
};

class TestAuthority {
 public:
  // Starts at the wall clock unless told a time.
  explicit TestAuthority(const std::string& name = "test CA",
                         base::WallTime now = std::chrono::system_clock::now());

  // Returns what LoadCredentials would: ECDSA P-256, 90 days, `host` as subject and DNS name.
  Credentials MakeMember(const std::string& host,
                         const std::vector<std::string>& dns_names = {}) const;
  // As MakeMember with one thing wrong.
  Credentials MakeFlawed(const std::string& host, Flaw flaw) const;

  // Believes this CA: its root, and only certificates that it signed itself.
  Trust trust() const { return {.roots = {authority_.certificate()}}; }
  const Authority& authority() const { return authority_; }
  base::WallTime now() const { return now_; }

 private:
  base::WallTime now_;
  Authority authority_;
};

}  // namespace postern::pki
