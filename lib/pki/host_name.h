// Host names as certificates and configuration spell them.
//
// Not name resolution, and no wildcards: a member has one name, and it is compared whole.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace postern::pki {

// Whether `text` can name a host: labels of letters, digits, '-' and '_', at most 253 bytes. A
// single label is enough. Names that are not are never identities: they could forge log lines.
bool IsHostName(std::string_view text);

// Whether both name the same host; ASCII case does not matter.
bool SameHostName(std::string_view a, std::string_view b);

// Returns the one spelling that identities and map keys use: lower case.
std::string LowerHostName(std::string_view host);

// Returns `text` fit for a message: at most 253 bytes, anything but printable ASCII as '?'.
std::string Printable(std::string_view text);

}  // namespace postern::pki
