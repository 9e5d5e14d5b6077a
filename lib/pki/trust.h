// Trust: whom a member of a group believes, as one value.
//
// Plain data: how it is signed, carried and kept is the business of those who do so.
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/pki/certificate.h"

namespace postern::pki {

enum class Anchor : std::uint8_t {
  // Only what one of our `roots` or `intermediates` signed itself. CAs that a peer brings along
  // count
  // for nothing: below a corporate root every sibling CA could otherwise make members.
  kIssuer,
  // Anything below the roots, over CAs of ours or of the peer.
  kRoot,
};

struct Trust {
  std::vector<Certificate> roots = {};
  std::vector<Certificate> intermediates = {};
  Anchor anchor = Anchor::kIssuer;
  // Refused whatever they show (61001).
  std::vector<std::string> denied_hosts = {};
  std::vector<std::string> denied_serials = {};  // hex, lower case, as Certificate::serial
};

}  // namespace postern::pki
