// The rules for a member's certificate, one function each. Every finding carries its number.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/pki/certificate.h"
#include "lib/pki/trust.h"

namespace postern::pki::internal {

using Finding = std::optional<base::Error>;  // nullopt: nothing wrong

// Returns the name that the certificate is about: its common name, or without one the first DNS
// name. It may be no host name at all.
std::string NamedHost(const Certificate& leaf);

Finding CheckTime(const Certificate& leaf, base::WallTime now);             // 20049
Finding CheckExtendedUsage(const Certificate& leaf);                        // 20050
Finding CheckName(const Certificate& leaf, std::string_view expected);      // 20052; "" expects any
Finding CheckUsage(const Certificate& leaf);                                // 20069
Finding CheckMemberKey(const PublicKey& key);                               // 20069, 61006
Finding CheckLeafKey(const Certificate& leaf);                              // 20069, 61006
Finding CheckIssuerKey(const Certificate& issuer);                          // 61006
Finding CheckSignature(const Certificate& certificate);                     // 61006
Finding CheckDenials(const Certificate& leaf, const Trust& trust);          // 61001
Finding CheckLifetime(const Certificate& leaf, const Certificate& issuer);  // 61003

}  // namespace postern::pki::internal
