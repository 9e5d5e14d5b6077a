#include "sidecar/trust/admission.h"

#include <utility>

#include "lib/pki/event.h"

namespace postern::trust {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;

namespace {

// 20,000 children and as many rotated leaves; beyond it the cache starts anew.
constexpr std::size_t kMostVerdicts = 40'000;

}  // namespace

Result<pki::PeerIdentity> Admission::Judge(const std::vector<pki::Certificate>& chain,
                                           const Identity& identity, base::WallTime now) {
  const std::string leaf = chain.empty() ? std::string() : chain.front().fingerprint();
  const auto known = verdicts_.find(leaf);
  pki::PeerIdentity peer;
  if (known != verdicts_.end() && known->second.generation == identity.generation &&
      now >= known->second.peer.not_before && now <= known->second.peer.not_after) {
    peer = known->second.peer;
  } else {
    ASSIGN_OR_RETURN(peer, pki::VerifyPeer(chain, identity.trust, {.host = std::nullopt}, now));
    if (verdicts_.size() >= kMostVerdicts) verdicts_.clear();
    verdicts_[leaf] = {identity.generation, peer};
  }
  if (!registered_.contains(peer.host) && !registered_.contains("*")) {
    return Fail(Code::kDenied, "host \"" + peer.host +
                                   "\" is not registered here; add it to the members of \"" +
                                   identity.host + "\"")
        .As(pki::event::kNotRegistered);
  }
  return peer;
}

bool Admission::MayTell(const Error& refusal) {
  switch (refusal.event()) {
    case pki::event::kNotAuthenticated:
    case pki::event::kRemoteNotTrusted:
    case pki::event::kPathLengthExceeded:
    case pki::event::kWeakKey: return false;
    default: return refusal.event() != 0;
  }
}

Error Admission::Generic() {
  return Fail(Code::kDenied, "not authenticated").As(pki::event::kNotAuthenticated);
}

}  // namespace postern::trust
