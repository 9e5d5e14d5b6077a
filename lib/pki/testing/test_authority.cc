#include "lib/pki/testing/test_authority.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <utility>

#include "lib/base/check.h"
#include "lib/pki/internal/certificate_builder.h"
#include "lib/pki/internal/openssl.h"

namespace postern::pki {
namespace {

using internal::CertificateTemplate;
using std::chrono::days;

template <typename T>
T Need(base::Result<T> result) {
  CHECK(result, "a test's own keys and certificates can be made");
  return *std::move(result);
}

// Through PEM, the only door for keys of kinds that PrivateKey does not make.
PrivateKey Adopt(EVP_PKEY* made) {
  const internal::KeyPtr key(made);
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return Need(PrivateKey::FromPem(internal::TextOf(bio.get())));
}

PrivateKey MakeRsa(std::size_t bits) {
  return Adopt(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}

PrivateKey MakeKey(Flaw flaw) {
  switch (flaw) {
    case Flaw::kWeakRsa: return MakeRsa(1024);
    case Flaw::kOddRsa: return MakeRsa(2560);
    case Flaw::kNoKeyEncipherment: return MakeRsa(2048);
    case Flaw::kOddCurve: return Adopt(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521"));
    case Flaw::kEd25519: return Adopt(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    default: return Need(PrivateKey::Generate(KeyType::kEcdsaP256));
  }
}

CertificateTemplate RightTemplate(const std::string& host, base::WallTime now) {
  return {
      .common_name = host,
      .dns_names = {host},
      .not_before = now - std::chrono::minutes(5),
      .not_after = now + days(90),
      .key_usage = "critical,digitalSignature,keyEncipherment",
      .extended_usage = "serverAuth,clientAuth",
  };
}

void SpoilNames(CertificateTemplate& content, const std::string& host, Flaw flaw) {
  using std::string_literals::operator""s;
  switch (flaw) {
    case Flaw::kWrongCommonName:
      content.common_name = "other.example";
      content.dns_names = {"other.example"};
      break;
    case Flaw::kHostNotInDnsNames: content.dns_names = {"other.example"}; break;
    case Flaw::kNoName:
      content.common_name = std::string(65, 'a');  // too long to be written
      content.dns_names = {};
      break;
    case Flaw::kNulInName:
      content.common_name = host + "\0.evil.example"s;
      content.dns_names = {content.common_name};
      break;
    case Flaw::kWildcard:
      content.common_name = "*.example";
      content.dns_names = {"*.example"};
      break;
    default: break;
  }
}

void Spoil(CertificateTemplate& content, Flaw flaw, base::WallTime now) {
  switch (flaw) {
    case Flaw::kExpired:
      content.not_before = now - days(91);
      content.not_after = now - days(1);
      break;
    case Flaw::kNotYetValid: content.not_before = now + days(1); break;
    case Flaw::kLongLived: content.not_after = now + days(2000); break;
    case Flaw::kNoServerUsage: content.extended_usage = "clientAuth"; break;
    case Flaw::kNoClientUsage: content.extended_usage = "serverAuth"; break;
    case Flaw::kNoExtendedUsage: content.extended_usage = nullptr; break;
    case Flaw::kNoDigitalSignature: content.key_usage = "critical,keyEncipherment"; break;
    case Flaw::kNoKeyEncipherment: content.key_usage = "critical,digitalSignature"; break;
    case Flaw::kSha1Signature: content.hash = "SHA1"; break;
    case Flaw::kCaAsLeaf:
      content.is_ca = true;
      content.key_usage = "critical,digitalSignature,keyCertSign";
      break;
    default: break;
  }
}

struct Signer {
  Certificate certificate;
  PrivateKey key;
  std::vector<Certificate> sent_along;  // itself first
};

Signer MakeIntermediate(const std::string& name, const Certificate& above,
                        const PrivateKey& above_key, base::WallTime now, bool is_ca = true) {
  PrivateKey key = Need(PrivateKey::Generate(KeyType::kEcdsaP256));
  CertificateTemplate content = RightTemplate(name, now);
  content.is_ca = is_ca;
  if (is_ca) {
    content.dns_names = {};
    content.key_usage = "critical,keyCertSign,cRLSign";
    content.extended_usage = nullptr;
  }
  Certificate certificate =
      Need(internal::BuildCertificate(content, key.public_key(), &above, above_key));
  return {certificate, std::move(key), {certificate}};
}

Signer ChooseSigner(const Authority& ca, Flaw flaw, base::WallTime now) {
  const Certificate& root = ca.certificate();
  switch (flaw) {
    case Flaw::kOtherAuthority: {
      const Authority other = Need(Authority::SelfSigned({.common_name = root.common_name()}, now));
      return {other.certificate(), other.key(), {}};
    }
    case Flaw::kSiblingAuthority: return MakeIntermediate("sibling CA", root, ca.key(), now);
    case Flaw::kExpiredIntermediate:
      return MakeIntermediate("old CA", root, ca.key(), now - days(100));
    case Flaw::kNotACaAbove: return MakeIntermediate("gw9.example", root, ca.key(), now, false);
    case Flaw::kPathTooLong: {
      const Signer upper = MakeIntermediate("upper CA", root, ca.key(), now);
      Signer lower = MakeIntermediate("lower CA", upper.certificate, upper.key, now);
      lower.sent_along.push_back(upper.certificate);
      return lower;
    }
    default: return {root, ca.key(), {}};
  }
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name, base::WallTime now)
    : now_(now), authority_(Need(Authority::SelfSigned({.common_name = name}, now))) {}

Credentials TestAuthority::MakeMember(const std::string& host,
                                      const std::vector<std::string>& dns_names) const {
  PrivateKey key = Need(PrivateKey::Generate(KeyType::kEcdsaP256));
  Certificate leaf =
      Need(authority_.Issue({.host = host, .dns_names = dns_names, .key = key.public_key()}, now_));
  return {.chain = {std::move(leaf)}, .key = std::move(key)};
}

Credentials TestAuthority::MakeFlawed(const std::string& host, Flaw flaw) const {
  PrivateKey key = MakeKey(flaw);
  CertificateTemplate content = RightTemplate(host, now_);
  SpoilNames(content, host, flaw);
  Spoil(content, flaw, now_);
  const Signer signer = ChooseSigner(authority_, flaw, now_);
  const bool alone = flaw == Flaw::kSelfSigned;
  Certificate leaf = Need(internal::BuildCertificate(
      content, key.public_key(), alone ? nullptr : &signer.certificate, alone ? key : signer.key));
  Credentials made{.chain = {std::move(leaf)}, .key = std::move(key)};
  made.chain.insert(made.chain.end(), signer.sent_along.begin(), signer.sent_along.end());
  if (flaw == Flaw::kWrongKey) made.key = Need(PrivateKey::Generate(KeyType::kEcdsaP256));
  return made;
}

}  // namespace postern::pki
