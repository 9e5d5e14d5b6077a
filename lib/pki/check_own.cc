#include "lib/pki/check_own.h"

#include "lib/pki/event.h"
#include "lib/pki/internal/chain.h"
#include "lib/pki/internal/leaf_rules.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Error;
using base::Fail;

void Add(std::vector<Error>& findings, const internal::Finding& finding) {
  if (finding) findings.push_back(*finding);
}

internal::Finding CheckKey(const Credentials& own) {
  if (!own.key) {
    return Fail(Code::kInvalid, "there is no private key beside the certificate")
        .As(event::kPrivateKeyMissing);
  }
  if (own.key->Matches(own.chain.front())) return {};
  return Fail(Code::kInvalid, "the private key " + own.key->public_key_id() +
                                  " is not that of the certificate, " +
                                  own.chain.front().public_key_id())
      .As(event::kPrivateKeyMissing);
}

void AddPathFindings(std::vector<Error>& findings, const Credentials& own, const Trust& trust,
                     base::WallTime now) {
  const auto path = internal::FindPath(own.chain, trust, now);
  if (!path) {
    findings.push_back(path.error().In("peers will not trust this member"));
    return;
  }
  Add(findings, internal::CheckLifetime(path->front(), (*path)[1]));
}

}  // namespace

std::vector<Error> CheckOwn(const Credentials& own, std::string_view host, const Trust& trust,
                            base::WallTime now) {
  if (own.chain.empty()) {
    return {Fail(Code::kNotFound, "no certificate is loaded").As(event::kNoCertificate)};
  }
  const Certificate& leaf = own.chain.front();
  std::vector<Error> findings;
  Add(findings, CheckKey(own));
  Add(findings, internal::CheckTime(leaf, now));
  Add(findings, internal::CheckExtendedUsage(leaf));
  Add(findings, internal::CheckName(leaf, host));
  Add(findings, internal::CheckUsage(leaf));
  Add(findings, internal::CheckLeafKey(leaf));
  Add(findings, internal::CheckDenials(leaf, trust));
  if (!trust.roots.empty() || !trust.intermediates.empty()) {
    AddPathFindings(findings, own, trust, now);
  } else {
    Add(findings, internal::CheckSignature(leaf));
  }
  return findings;
}

}  // namespace postern::pki
