#include "lib/pki/key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>

#include "lib/base/check.h"
#include "lib/pki/certificate.h"
#include "lib/pki/internal/openssl.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kMostPemBytes = 64 * 1024;

struct TypeRow {
  KeyType type;
  std::string_view name;
  const char* curve;  // nullptr: RSA
  unsigned bits;
};

constexpr std::array kTypes = {
    TypeRow{KeyType::kEcdsaP256, "ECDSAP256", "P-256", 256},
    TypeRow{KeyType::kEcdsaP384, "ECDSAP384", "P-384", 384},
    TypeRow{KeyType::kRsa2048, "RSA2048", nullptr, 2048},
    TypeRow{KeyType::kRsa3072, "RSA3072", nullptr, 3072},
    TypeRow{KeyType::kRsa4096, "RSA4096", nullptr, 4096},
};

const TypeRow& RowOf(KeyType type) {
  const auto row = std::ranges::find(kTypes, type, &TypeRow::type);
  CHECK(row != kTypes.end(), "every key type has a row");
  return *row;
}

}  // namespace

std::string_view KeyTypeName(KeyType type) { return RowOf(type).name; }

Result<KeyType> KeyTypeNamed(std::string_view name) {
  const auto row = std::ranges::find(kTypes, name, &TypeRow::name);
  if (row != kTypes.end()) return row->type;
  std::string names;
  for (const TypeRow& known : kTypes) names.append(names.empty() ? "" : ", ").append(known.name);
  return Fail(Code::kInvalid, "no key type is named " + std::string(name) + "; there are " + names);
}

PublicKey::PublicKey(evp_pkey_st* key) : key_(key, EVP_PKEY_free) {
  CHECK(key != nullptr, "a public key exists");
}

std::string PublicKey::id() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  CHECK(size > 0, "a parsed key can be encoded");
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned hash_size = 0;
  const int hashed = EVP_Digest(der, static_cast<std::size_t>(size), hash.data(), &hash_size,
                                EVP_sha256(), nullptr);
  OPENSSL_free(der);
  CHECK(hashed == 1, "SHA-256 is always there");
  return "sha256:" + internal::Hex(hash.data(), hash_size);
}

std::string PublicKey::description() const {
  if (is_rsa()) return "RSA " + std::to_string(bits());
  std::array<char, 64> curve{};
  if (is_ecdsa() && EVP_PKEY_get_group_name(key_.get(), curve.data(), curve.size(), nullptr) == 1) {
    const char* nist = EC_curve_nid2nist(OBJ_txt2nid(curve.data()));
    return std::string("EC ") + (nist != nullptr ? nist : curve.data());
  }
  ERR_clear_error();
  const char* name = EVP_PKEY_get0_type_name(key_.get());
  return std::string(name != nullptr ? name : "unknown") + " " + std::to_string(bits());
}

int PublicKey::bits() const { return EVP_PKEY_get_bits(key_.get()); }
int PublicKey::security_bits() const { return EVP_PKEY_get_security_bits(key_.get()); }
bool PublicKey::is_rsa() const { return EVP_PKEY_is_a(key_.get(), "RSA") == 1; }
bool PublicKey::is_ecdsa() const { return EVP_PKEY_is_a(key_.get(), "EC") == 1; }

bool PublicKey::operator==(const PublicKey& other) const {
  const bool same = EVP_PKEY_eq(key_.get(), other.key_.get()) == 1;
  ERR_clear_error();  // keys of different types leave a complaint
  return same;
}

Result<PrivateKey> PrivateKey::Generate(KeyType type) {
  const TypeRow& row = RowOf(type);
  EVP_PKEY* key = row.curve != nullptr
                      ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", row.curve)
                      : EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{row.bits});
  if (key == nullptr) return internal::OpensslError(Code::kInternal, "making a key");
  return PrivateKey(PublicKey(key));
}

Result<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  if (pem.size() > kMostPemBytes) {
    return Fail(Code::kInvalid, "the private key is longer than 64 KiB");
  }
  const internal::BioPtr bio = internal::ReadFrom(pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, internal::NoPassword, nullptr);
  if (key == nullptr) {
    return internal::OpensslError(Code::kInvalid,
                                  "no usable private key (PEM, without a password)");
  }
  return PrivateKey(PublicKey(key));
}

std::string PrivateKey::ToPem() const {
  const internal::BioPtr bio(BIO_new(BIO_s_secmem()));
  const int written =
      PEM_write_bio_PKCS8PrivateKey(bio.get(), native(), nullptr, nullptr, 0, nullptr, nullptr);
  CHECK(written == 1, "a private key can be encoded");
  return internal::TextOf(bio.get());
}

bool PrivateKey::Matches(const Certificate& certificate) const {
  const base::Result<PublicKey> other = certificate.public_key();
  return other && *other == public_key_;
}

std::ostream& operator<<(std::ostream& out, const PrivateKey&) { return out << "…"; }

}  // namespace postern::pki
