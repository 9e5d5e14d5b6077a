// The first byte picks the signal, the rest is protobuf: its line of JSON reads back as an export
// whose line is the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/otlp/count_items.h"
#include "lib/otlp/from_json.h"
#include "lib/otlp/partial_success.h"
#include "lib/otlp/to_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::otlp::AppendJsonLine;
  using postern::otlp::FromJson;
  using postern::otlp::Signal;
  if (size == 0) return 0;
  const auto signal = static_cast<Signal>(data[0] % 3);
  const std::string_view protobuf(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)postern::otlp::ParseResponse(protobuf);
  (void)postern::otlp::CountItems(signal, protobuf);

  std::string line = "kept";
  if (!AppendJsonLine(signal, protobuf, line)) {
    CHECK(line == "kept", "a failure appends nothing");
    return 0;
  }
  line.erase(0, 4);
  CHECK(line.find('\n') == line.size() - 1, "an export is one line");
  const auto back = FromJson(signal, line);
  CHECK(back.has_value(), "our own JSON is JSON");
  std::string again;
  CHECK(AppendJsonLine(signal, *back, again) && again == line, "the line says all there was");
  return 0;
}
