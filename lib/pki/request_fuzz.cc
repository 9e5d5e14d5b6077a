// Certificate requests as strangers send them: any text is read or refused, and what is read names
// only hosts.
#include "lib/pki/request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/pki/host_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern::pki;
  const auto request = ParseRequest({reinterpret_cast<const char*>(data), size});
  if (!request) return 0;
  CHECK(IsHostName(request->host), "a request names a host");
  CHECK(std::ranges::all_of(request->dns_names, IsHostName), "and only hosts");
  return 0;
}
