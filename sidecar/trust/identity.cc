#include "sidecar/trust/identity.h"

#include <utility>

#include "lib/pki/check_own.h"
#include "lib/pki/event.h"

namespace postern::trust {

using base::Error;
using base::Result;

namespace {

bool IsWarning(const Error& finding) {
  const pki::Event* event = pki::FindEvent(finding.event());
  return event != nullptr && event->severity != pki::Severity::kError;
}

}  // namespace

Result<IdentityPtr> LoadIdentity(const IdentityFiles& files, const std::string& host,
                                 std::uint64_t generation, base::WallTime now) {
  ASSIGN_OR_RETURN(const pki::Credentials own, pki::LoadCredentials(files.chain, files.key));
  pki::Trust trust;
  ASSIGN_OR_RETURN(trust.roots, pki::LoadRoots(files.roots));
  std::vector<Error> warnings;
  for (const Error& finding : pki::CheckOwn(own, host, trust, now)) {
    if (!IsWarning(finding)) return finding.In("certificate " + files.chain);
    warnings.push_back(finding);
  }
  ASSIGN_OR_RETURN(pki::TlsContext server, pki::TlsContext::Server(own));
  ASSIGN_OR_RETURN(pki::TlsContext client, pki::TlsContext::Client(own));
  const std::string group_id = trust.roots.front().public_key_id();
  return std::make_shared<const Identity>(Identity{.host = host,
                                                   .group_id = group_id,
                                                   .serial = own.chain.front().serial(),
                                                   .trust = std::move(trust),
                                                   .generation = generation,
                                                   .not_after = own.chain.front().not_after(),
                                                   .server = std::move(server),
                                                   .client = std::move(client),
                                                   .warnings = std::move(warnings)});
}

}  // namespace postern::trust
