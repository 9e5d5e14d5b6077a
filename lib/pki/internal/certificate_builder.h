// Writes and signs one certificate exactly as told: authority.h asks for right ones only, and
// testing/test_authority.h for wrong ones too.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/pki/certificate.h"
#include "lib/pki/key.h"

namespace postern::pki::internal {

struct CertificateTemplate {
  std::string common_name = {};             // longer than 64 bytes: left out
  std::vector<std::string> dns_names = {};  // empty: no such extension
  base::WallTime not_before;
  base::WallTime not_after;
  bool is_ca = false;
  std::optional<int> path_length = {};
  const char* key_usage = nullptr;       // as `man x509v3_config` writes it; nullptr: none
  const char* extended_usage = nullptr;  // likewise
  const char* hash = nullptr;            // nullptr: SHA-256, or SHA-384 for a key as strong
};

// Returns a certificate for `holder`, signed with `issuer_key`. Without `issuer` it is its own.
base::Result<Certificate> BuildCertificate(const CertificateTemplate& content,
                                           const PublicKey& holder, const Certificate* issuer,
                                           const PrivateKey& issuer_key);

}  // namespace postern::pki::internal
