// The first byte picks the signal, the rest is JSON text: what is taken prints and reads back as
// the same bytes.
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/otlp/from_json.h"
#include "lib/otlp/to_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::otlp::AppendJsonLine;
  using postern::otlp::FromJson;
  using postern::otlp::Signal;
  if (size == 0) return 0;
  const auto signal = static_cast<Signal>(data[0] % 3);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto protobuf = FromJson(signal, text);
  if (!protobuf) return 0;
  std::string line;
  CHECK(AppendJsonLine(signal, *protobuf, line).has_value(), "our own protobuf is protobuf");
  const auto again = FromJson(signal, line);
  CHECK(again && *again == *protobuf, "printing and reading changes nothing");
  return 0;
}
