// CheckOwn: everything that is wrong with the certificate that we are about to use ourselves.
//
// A peer would tell only the first reason, and only in its own log. Pure.
//
// Threads: any.
#pragma once

#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/pki/credentials.h"
#include "lib/pki/trust.h"

namespace postern::pki {

// Returns every finding, in this order: 21021 no certificate, 20068 key missing or another's, then
// 20049, 20050, 20052, 20069, 61006, 61001, and, where `trust` has roots, 20072 and 61004 (peers
// would not believe us) and the warning 61003. FindEvent tells which are only warnings.
std::vector<base::Error> CheckOwn(const Credentials& own, std::string_view host, const Trust& trust,
                                  base::WallTime now);

}  // namespace postern::pki
