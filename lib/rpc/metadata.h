// Metadata: the names and values that go with a call.
//
// Threads: immutable.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace postern::rpc {

// In order; a name may come twice. The value of a name that ends in "-bin" is base64, as on the
// wire.
using Metadata = std::vector<std::pair<std::string, std::string>>;

}  // namespace postern::rpc
