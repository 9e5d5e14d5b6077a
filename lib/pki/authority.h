// Authority: the CA of a management group. It signs what it is told to sign.
//
// Who may have a certificate, and when, is decided elsewhere; here it is only made well: both
// extended usages, the host as subject and DNS name, a random serial, a start five minutes back.
//
//   ASSIGN_OR_RETURN(const Authority ca, Authority::SelfSigned({.common_name = "east CA"}, now));
//   ASSIGN_OR_RETURN(const Certificate leaf,
//                    ca.Issue({.host = "gw1.example", .key = request.public_key}, now));
//
// Threads: immutable.
#pragma once

#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/pki/certificate.h"
#include "lib/pki/key.h"

namespace postern::pki {

struct AuthorityOptions {
  std::string common_name;
  base::Duration duration = std::chrono::days(3650);
  KeyType key_type = KeyType::kEcdsaP256;
};

struct IssueOptions {
  std::string host;
  std::vector<std::string> dns_names = {};  // `host` is added where it is missing
  PublicKey key;
  base::Duration duration = std::chrono::days(90);
};

class Authority {
 public:
  // Makes a key and a root certificate. One CA may stand between it and a member: its successor,
  // while roots rotate.
  static base::Result<Authority> SelfSigned(const AuthorityOptions& options, base::WallTime now);
  // Reads what was made before or is brought. kInvalid when a part is damaged, the key does not
  // belong to the certificate (20068), or the certificate is not that of a CA.
  static base::Result<Authority> FromPem(std::string_view certificate, std::string_view key);

  // Returns a member's certificate. It ends no later than the CA does. kInvalid for names that are
  // not host names and keys that will not do (20069, 61006); kExpired once the CA has ended.
  base::Result<Certificate> Issue(const IssueOptions& options, base::WallTime now) const;

  const Certificate& certificate() const { return certificate_; }
  const PrivateKey& key() const { return key_; }

 private:
  Authority(Certificate certificate, PrivateKey key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  Certificate certificate_;
  PrivateKey key_;
};

}  // namespace postern::pki
