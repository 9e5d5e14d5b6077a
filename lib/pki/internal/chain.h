// Whether a certificate leads to our trust: OpenSSL's path building, with the time told.
//
// Threads: any.
#pragma once

#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/pki/certificate.h"
#include "lib/pki/trust.h"

namespace postern::pki::internal {

// Returns the path from `chain.front()` to a certificate of ours, leaf first. The leaf's own time
// and usages are left to leaf_rules.h. kDenied or kExpired with 20072, 61004 or 61006. Requires a
// leaf.
base::Result<std::vector<Certificate>> FindPath(const std::vector<Certificate>& chain,
                                                const Trust& trust, base::WallTime now);

}  // namespace postern::pki::internal
