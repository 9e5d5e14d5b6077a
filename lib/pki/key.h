// Keys: what a member proves its name with, and the public half that others know it by.
//
// Key pairs of the kinds that the group issues can be made here; keys that were brought may be of
// any kind, and the checks of this folder tell whether they will do. A PrivateKey prints as "…" and
// leaves the process only through ToPem.
//
//   ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate(KeyType::kEcdsaP256));
//   log("key made", key.public_key_id());   // "sha256:5d8c…"
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "lib/base/result.h"

struct evp_pkey_st;

namespace postern::pki {

class Certificate;

enum class KeyType : std::uint8_t { kEcdsaP256, kEcdsaP384, kRsa2048, kRsa3072, kRsa4096 };

// Returns the type's name as resources spell it: "ECDSAP256".
std::string_view KeyTypeName(KeyType type);
// kInvalid for other names, listing those that exist.
base::Result<KeyType> KeyTypeNamed(std::string_view name);

// Threads: immutable. Copies share the key.
class PublicKey {
 public:
  // Takes over one reference to `key`, which must not be null.
  explicit PublicKey(evp_pkey_st* key);

  // Returns "sha256:" and the hash of the SubjectPublicKeyInfo in hex.
  std::string id() const;
  // Returns "RSA 2048" or "EC P-256", for people.
  std::string description() const;
  int bits() const;
  // How strong the key is, comparable between kinds: 112 for RSA 2048, 128 for P-256.
  int security_bits() const;
  bool is_rsa() const;
  bool is_ecdsa() const;
  bool operator==(const PublicKey& other) const;

  evp_pkey_st* native() const { return key_.get(); }

 private:
  std::shared_ptr<evp_pkey_st> key_;
};

// Threads: immutable. Copies share the key.
class PrivateKey {
 public:
  static base::Result<PrivateKey> Generate(KeyType type);
  // Reads the first private key of `pem`. kInvalid when there is none, it is damaged, longer than
  // 64 KiB or locked with a password. Messages never hold any of the text.
  static base::Result<PrivateKey> FromPem(std::string_view pem);
  // Returns PKCS#8, without a password.
  std::string ToPem() const;

  const PublicKey& public_key() const { return public_key_; }
  std::string public_key_id() const { return public_key_.id(); }
  // Whether the certificate is for this key.
  bool Matches(const Certificate& certificate) const;

  evp_pkey_st* native() const { return public_key_.native(); }

 private:
  explicit PrivateKey(PublicKey key) : public_key_(std::move(key)) {}

  PublicKey public_key_;  // the same OpenSSL object holds both halves; PublicKey shows only one
};

std::ostream& operator<<(std::ostream& out, const PrivateKey& key);

}  // namespace postern::pki
