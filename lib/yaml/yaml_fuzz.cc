// Parse ends with documents or an error that begins with file and line, never otherwise; whatever
// it accepts becomes JSON that is read back.
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/json/parse.h"
#include "lib/json/print.h"
#include "lib/yaml/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto documents = yaml::Parse(text, "f");
  if (!documents) {
    const std::string& message = documents.error().message();
    CHECK(message.starts_with("f:"), "every error names its file");
    CHECK(message.find('\n') == std::string::npos, "every error is one line");
    return 0;
  }
  for (const yaml::Document& document : *documents) {
    const std::string printed = json::Print(yaml::ToJson(document.root));
    CHECK(json::Parse(printed, {.bytes = 1 << 30}), "what YAML holds can be told in JSON");
  }
  return 0;
}
