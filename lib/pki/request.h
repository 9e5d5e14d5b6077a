// Requests for certificates (PKCS#10): what an enrolling member sends to whoever signs.
//
// A request proves that its maker holds the key and nothing more: who may have the name is decided
// elsewhere.
//
//   ASSIGN_OR_RETURN(const std::string pem, MakeRequest(key, "gw1.example", {"gw1.example"}));
//   ASSIGN_OR_RETURN(const Request request, ParseRequest(pem));   // on the other side
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/pki/key.h"

namespace postern::pki {

struct Request {
  std::string host;  // the common name, or without one the first DNS name
  std::vector<std::string> dns_names;
  PublicKey public_key;
};

// Returns a request in PEM, signed with `key`. kInvalid when a name is not a host name.
base::Result<std::string> MakeRequest(const PrivateKey& key, const std::string& host,
                                      const std::vector<std::string>& dns_names);

// Reads one request of at most 16 KiB and 64 DNS names. kInvalid when it is damaged, passes a
// bound, holds a name that is not a host name, has a key that the group would not certify (with the
// number of the finding), or is not signed with that key.
base::Result<Request> ParseRequest(std::string_view pem);

}  // namespace postern::pki
