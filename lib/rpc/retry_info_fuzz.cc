// Any bytes as a status's details: whatever is found is a delay that may be waited for.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/rpc/internal/retry_info.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  for (const auto& delay :
       {postern::rpc::internal::ParseRetryInfo(in), postern::rpc::internal::ParsePushback(in)}) {
    if (!delay) continue;
    CHECK(delay->count() >= 0 && *delay <= postern::rpc::internal::kLongestRetryAfter,
          "a delay is within its bounds");
  }
  return 0;
}
