#include "lib/pki/authority.h"

#include <algorithm>

#include "lib/pki/event.h"
#include "lib/pki/host_name.h"
#include "lib/pki/internal/certificate_builder.h"
#include "lib/pki/internal/leaf_rules.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;

// For members whose clock is a little behind ours.
constexpr base::Duration kStartsBack = std::chrono::minutes(5);

}  // namespace

Result<Authority> Authority::SelfSigned(const AuthorityOptions& options, base::WallTime now) {
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate(options.key_type));
  const internal::CertificateTemplate content = {
      .common_name = options.common_name,
      .dns_names = {},
      .not_before = now - kStartsBack,
      .not_after = now + options.duration,
      .is_ca = true,
      .path_length = 1,
      .key_usage = "critical,keyCertSign,cRLSign",
  };
  ASSIGN_OR_RETURN(Certificate certificate,
                   internal::BuildCertificate(content, key.public_key(), nullptr, key));
  return Authority(std::move(certificate), key);
}

Result<Authority> Authority::FromPem(std::string_view certificate, std::string_view key) {
  ASSIGN_OR_RETURN(Certificate ca, Certificate::FromPem(certificate));
  ASSIGN_OR_RETURN(PrivateKey ca_key, PrivateKey::FromPem(key));
  if (!ca.is_ca()) {
    return Fail(Code::kInvalid, Printable(ca.subject()) + " is not the certificate of a CA");
  }
  if (!ca_key.Matches(ca)) {
    return Fail(Code::kInvalid, "the key does not belong to the CA " + Printable(ca.subject()))
        .As(event::kPrivateKeyMissing);
  }
  return Authority(std::move(ca), std::move(ca_key));
}

Result<Certificate> Authority::Issue(const IssueOptions& options, base::WallTime now) const {
  internal::CertificateTemplate content = {
      .common_name = options.host,
      .dns_names = options.dns_names,
      .not_before = now - kStartsBack,
      .not_after = std::min(now + options.duration, certificate_.not_after()),
      .key_usage = options.key.is_rsa() ? "critical,digitalSignature,keyEncipherment"
                                        : "critical,digitalSignature",
      .extended_usage = "serverAuth,clientAuth",
  };
  if (std::ranges::find(content.dns_names, options.host) == content.dns_names.end()) {
    content.dns_names.insert(content.dns_names.begin(), options.host);
  }
  const auto bad = std::ranges::find_if_not(content.dns_names, IsHostName);
  if (bad != content.dns_names.end()) {
    return Fail(Code::kInvalid, "not a host name: '" + Printable(*bad) + "'");
  }
  if (const auto finding = internal::CheckMemberKey(options.key)) {
    return Fail(Code::kInvalid, finding->message()).As(finding->event());
  }
  if (now >= certificate_.not_after()) {
    return Fail(Code::kExpired, "the CA " + Printable(certificate_.subject()) + " ended " +
                                    FormatTime(certificate_.not_after()))
        .As(event::kNotCurrentlyValid);
  }
  return internal::BuildCertificate(content, options.key, &certificate_, key_);
}

}  // namespace postern::pki
