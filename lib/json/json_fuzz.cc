// Whatever Parse accepts, Print writes so that Parse accepts it again as the same value.
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/json/parse.h"
#include "lib/json/print.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern::json;
  const auto value = Parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  const auto again = Parse(Print(*value, Layout::kIndented), {.bytes = 1 << 30});
  CHECK(again && *again == *value, "what is printed reads back as the same value");
  return 0;
}
