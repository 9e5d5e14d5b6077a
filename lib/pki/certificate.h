// Certificate: one X.509 certificate, parsed and never changed.
//
// It tells what it says, not whether that is true: VerifyPeer and CheckOwn judge.
//
//   ASSIGN_OR_RETURN(const std::vector<Certificate> chain, Certificate::ChainFromPem(pem));
//   chain.front().common_name();   // "gw1.example"
//
// Threads: immutable. Copies share the certificate.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/pki/key.h"

struct x509_st;

namespace postern::pki {

class Certificate {
 public:
  static constexpr std::size_t kMostInChain = 16;
  static constexpr std::size_t kMostPemBytes = 1024 * 1024;

  // Reads the first certificate of `pem`. kInvalid when there is none or it is damaged.
  static base::Result<Certificate> FromPem(std::string_view pem);
  // Reads every certificate of `pem` in order (a chain starts with the leaf) and skips other
  // blocks. kInvalid when there is none, one is damaged, or a bound above is passed.
  static base::Result<std::vector<Certificate>> ChainFromPem(std::string_view pem);
  // Takes over one reference to `certificate`, which must not be null.
  explicit Certificate(x509_st* certificate);

  std::string ToPem() const;

  // Names are returned as they stand in the certificate: they may hold any byte.
  std::string common_name() const;  // the most specific one; empty without one
  std::vector<std::string> dns_names() const;
  // For people: RFC 2253, with control characters escaped.
  std::string subject() const;
  std::string issuer() const;
  std::string serial() const;  // hex, lower case

  base::WallTime not_before() const;
  base::WallTime not_after() const;

  // Returns SHA-256 of the whole certificate in hex.
  std::string fingerprint() const;
  // kInvalid for a key of a kind that is not known here.
  base::Result<PublicKey> public_key() const;
  // As PublicKey::id; empty for a key of a kind that is not known here.
  std::string public_key_id() const;

  bool is_ca() const;
  // How many CAs may stand below this one.
  std::optional<long> path_length() const;
  // Extended key usages. False where the extension is missing.
  bool has_server_auth() const;
  bool has_client_auth() const;
  // Key usages. True where the extension is missing: then every use is allowed (RFC 5280).
  bool has_digital_signature() const;
  bool has_key_encipherment() const;
  // The strength of the signature's hash in bits: 128 for SHA-256, at most 80 for SHA-1 and older.
  int signature_strength() const;

  bool operator==(const Certificate& other) const;

  x509_st* native() const { return certificate_.get(); }

 private:
  bool AllowsUsage(unsigned usage) const;
  bool AllowsExtendedUsage(unsigned usage) const;

  std::shared_ptr<x509_st> certificate_;
};

// Returns "2031-04-01T12:00:00Z".
std::string FormatTime(base::WallTime time);

}  // namespace postern::pki
