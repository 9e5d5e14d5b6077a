#include "lib/pki/verify.h"

#include <algorithm>

#include "lib/base/check.h"
#include "lib/pki/event.h"
#include "lib/pki/host_name.h"
#include "lib/pki/internal/chain.h"
#include "lib/pki/internal/leaf_rules.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

Status CheckLeaf(const Certificate& leaf, const Trust& trust, std::string_view expected,
                 base::WallTime now) {
  for (const internal::Finding& finding :
       {internal::CheckDenials(leaf, trust), internal::CheckTime(leaf, now),
        internal::CheckExtendedUsage(leaf), internal::CheckUsage(leaf),
        internal::CheckLeafKey(leaf), internal::CheckName(leaf, expected)}) {
    if (finding) return *finding;
  }
  return {};
}

}  // namespace

Result<PeerIdentity> VerifyPeer(const std::vector<Certificate>& chain, const Trust& trust,
                                const Expectation& expectation, base::WallTime now) {
  if (chain.empty()) {
    return Fail(Code::kDenied, "the peer showed no certificate").As(event::kNotAuthenticated);
  }
  const Certificate& leaf = chain.front();
  CHECK(expectation.host != "", "whoever dials knows a name");
  ASSIGN_OR_RETURN(const std::vector<Certificate> path, internal::FindPath(chain, trust, now));
  RETURN_IF_ERROR(CheckLeaf(leaf, trust, expectation.host.value_or(""), now));
  return PeerIdentity{
      .host = LowerHostName(internal::NamedHost(leaf)),
      .serial = leaf.serial(),
      .fingerprint = leaf.fingerprint(),
      .public_key_id = leaf.public_key_id(),
      .not_before = leaf.not_before(),
      .not_after = std::ranges::min_element(path, {}, &Certificate::not_after)->not_after(),
  };
}

}  // namespace postern::pki
