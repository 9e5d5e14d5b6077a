// Whatever a value holds, its line stays one line without a control byte, and its quotes stay
// closed.
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/log/internal/line.h"

namespace {

// Returns where the string that opens at `at` closes.
std::size_t CloseOf(std::string_view line, std::size_t at) {
  for (++at; at < line.size() && line[at] != '"'; ++at) {
    if (line[at] == '\\') ++at;
  }
  return at;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern::log;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Field fields[] = {{"text", text}, {"last", true}};
  for (const Format format : {Format::kText, Format::kJson}) {
    const std::string line = internal::Line(format, {}, Level::kInfo, "heard", fields);
    for (const char c : line) CHECK(c < 0 || (c >= ' ' && c <= '~'), "a line is one line");
    CHECK(line.size() < 8192, "a line is bounded");
    const std::string_view tail = format == Format::kText ? " last=true" : ",\"last\":true}";
    const std::size_t start = line.find("text") + (format == Format::kText ? 5 : 6);
    const std::size_t close = line[start] == '"' ? CloseOf(line, start) + 1 : line.find(' ', start);
    CHECK(line.substr(close) == tail, "nothing in a value ends it early");
  }
  return 0;
}
