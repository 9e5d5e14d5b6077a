#include "lib/pki/internal/leaf_rules.h"

#include <algorithm>

#include "lib/pki/event.h"
#include "lib/pki/host_name.h"

namespace postern::pki::internal {
namespace {

using base::Code;
using base::Fail;

constexpr int kLeastRsaBits = 2048;
constexpr int kLeastCurveStrength = 128;      // P-256, Ed25519
constexpr int kLeastSignatureStrength = 128;  // SHA-256

std::string Of(const Certificate& certificate) {
  return "the certificate of " + Printable(NamedHost(certificate));
}

bool IsTooWeak(const PublicKey& key) {
  return key.is_rsa() ? key.bits() < kLeastRsaBits : key.security_bits() < kLeastCurveStrength;
}

bool IsMemberKind(const PublicKey& key) {
  if (key.is_rsa()) return key.bits() == 2048 || key.bits() == 3072 || key.bits() == 4096;
  const std::string kind = key.description();
  return kind == "EC P-256" || kind == "EC P-384";
}

// In seconds: the nanoseconds between the clamped ends of time overflow.
std::chrono::seconds LifeOf(const Certificate& certificate) {
  using std::chrono::seconds;
  return std::chrono::floor<seconds>(certificate.not_after().time_since_epoch()) -
         std::chrono::floor<seconds>(certificate.not_before().time_since_epoch());
}

Finding WithContext(Finding finding, const std::string& context) {
  if (finding) finding = finding->In(context);
  return finding;
}

}  // namespace

std::string NamedHost(const Certificate& leaf) {
  std::string name = leaf.common_name();
  if (!name.empty()) return name;
  const std::vector<std::string> dns_names = leaf.dns_names();
  return dns_names.empty() ? std::string() : dns_names.front();
}

Finding CheckTime(const Certificate& leaf, base::WallTime now) {
  const bool early = now < leaf.not_before();
  if (!early && now <= leaf.not_after()) return {};
  return Fail(early ? Code::kDenied : Code::kExpired,
              Of(leaf) + " is valid from " + FormatTime(leaf.not_before()) + " to " +
                  FormatTime(leaf.not_after()) + ", and here it is " + FormatTime(now) +
                  (early ? ": compare the clocks of both sides" : ": renew it"))
      .As(event::kNotCurrentlyValid);
}

Finding CheckExtendedUsage(const Certificate& leaf) {
  if (leaf.has_server_auth() && leaf.has_client_auth()) return {};
  std::string missing = leaf.has_server_auth() ? "" : "server authentication";
  if (!leaf.has_client_auth()) {
    missing += missing.empty() ? "client authentication" : " and client authentication";
  }
  return Fail(Code::kDenied, Of(leaf) + " lacks the extended key usage " + missing)
      .As(event::kWrongKeyUsage);
}

Finding CheckName(const Certificate& leaf, std::string_view expected) {
  const std::string named = NamedHost(leaf);
  const std::vector<std::string> dns_names = leaf.dns_names();
  const auto mismatch = [](std::string message) {
    return Fail(Code::kDenied, std::move(message)).As(event::kSubjectMismatch);
  };
  if (!IsHostName(named)) {
    return mismatch("the certificate names no host: '" + Printable(named) + "'");
  }
  if (!expected.empty() && !SameHostName(named, expected)) {
    return mismatch("the certificate is for " + named + ", expected was " + Printable(expected));
  }
  const auto is_named = [&named](const std::string& name) { return SameHostName(name, named); };
  if (!dns_names.empty() && std::ranges::none_of(dns_names, is_named)) {
    return mismatch("the certificate's subject is " + named + ", but its DNS names start with " +
                    Printable(dns_names.front()) + " and do not hold it");
  }
  return {};
}

Finding CheckUsage(const Certificate& leaf) {
  const auto unsuitable = [&leaf](std::string_view why) {
    return Fail(Code::kDenied, Of(leaf) + std::string(why)).As(event::kUnsuitableKey);
  };
  if (leaf.is_ca()) return unsuitable(" is that of a CA, which may sign but not speak");
  if (!leaf.has_digital_signature()) return unsuitable(" lacks the key usage digital signature");
  const base::Result<PublicKey> key = leaf.public_key();
  if (key && key->is_rsa() && !leaf.has_key_encipherment()) {
    return unsuitable(" is for an RSA key and lacks the key usage key encipherment");
  }
  return {};
}

Finding CheckMemberKey(const PublicKey& key) {
  if (IsTooWeak(key)) {
    return Fail(Code::kDenied, "the key is too weak: " + key.description() +
                                   ", at least RSA 2048 or EC P-256 is needed")
        .As(event::kWeakKey);
  }
  if (IsMemberKind(key)) return {};
  return Fail(Code::kDenied, "the key is " + key.description() +
                                 "; RSA 2048, 3072 or 4096, EC P-256 and P-384 will do")
      .As(event::kUnsuitableKey);
}

Finding CheckLeafKey(const Certificate& leaf) {
  const base::Result<PublicKey> key = leaf.public_key();
  if (!key) {
    return Fail(Code::kDenied, Of(leaf) + ": " + key.error().message()).As(event::kUnsuitableKey);
  }
  return WithContext(CheckMemberKey(*key), Of(leaf));
}

Finding CheckIssuerKey(const Certificate& issuer) {
  const base::Result<PublicKey> key = issuer.public_key();
  if (key && !IsTooWeak(*key)) return {};
  return Fail(Code::kDenied, "the key of the CA " + Printable(issuer.subject()) + " is too weak: " +
                                 (key ? key->description() : key.error().message()))
      .As(event::kWeakKey);
}

Finding CheckSignature(const Certificate& certificate) {
  if (certificate.signature_strength() >= kLeastSignatureStrength) return {};
  return Fail(Code::kDenied, "the signature on " + Printable(certificate.subject()) +
                                 " uses a hash weaker than SHA-256")
      .As(event::kWeakKey);
}

Finding CheckDenials(const Certificate& leaf, const Trust& trust) {
  const std::string host = NamedHost(leaf);
  const auto is_host = [&host](const std::string& denied) { return SameHostName(denied, host); };
  if (std::ranges::any_of(trust.denied_hosts, is_host)) {
    return Fail(Code::kDenied, "the group denies the host " + Printable(host)).As(event::kRevoked);
  }
  const std::string serial = leaf.serial();
  if (std::ranges::find(trust.denied_serials, serial) != trust.denied_serials.end()) {
    return Fail(Code::kDenied, "the group denies certificate " + serial + " of " + Printable(host))
        .As(event::kRevoked);
  }
  return {};
}

Finding CheckLifetime(const Certificate& leaf, const Certificate& issuer) {
  const bool beyond = leaf.not_after() > issuer.not_after();
  if (!beyond && LifeOf(leaf) <= LifeOf(issuer) / 2) return {};
  return Fail(Code::kInvalid, Of(leaf) + " ends " + FormatTime(leaf.not_after()) + ", its issuer " +
                                  FormatTime(issuer.not_after()) +
                                  (beyond ? ": it ends after its issuer"
                                          : ": it lives longer than half of its issuer's life"))
      .As(event::kOutlivesIssuer);
}

}  // namespace postern::pki::internal
