// Any bytes as gzip: the bound holds, the answer is the same again, and nothing but the two
// promised codes comes back.
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/compress/gunzip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::base::Code;
  static postern::compress::Gunzipper gunzipper;
  constexpr std::size_t kMost = 100'000;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto out = gunzipper.Gunzip(in, kMost);
  const auto again = gunzipper.Gunzip(in, kMost);
  CHECK(out.has_value() == again.has_value(), "a message leaves no trace in the state");
  if (out) {
    CHECK(*out == *again, "a message leaves no trace in the state");
    CHECK(out->size() <= kMost, "the bound holds");
  } else {
    const Code code = out.error().code();
    CHECK(code == Code::kCorrupt || code == Code::kExhausted, "one of the two promised codes");
  }
  return 0;
}
