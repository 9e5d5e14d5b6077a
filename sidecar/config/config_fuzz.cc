// Parse ends with a Config that keeps its promises, or with lines that each name the file.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "sidecar/config/load.h"

namespace {

void CheckPromises(const postern::config::Config& config) {
  using postern::config::Kind;
  CHECK(!config.name.empty() && !config.host.empty(), "a member has a name and a host");
  CHECK(!config.certificate.key.empty(), "a member has a key");
  CHECK(config.relay.max_record <= config.relay.memory / 4, "four records fit the memory");
  if (config.kind == Kind::kGateway) {
    CHECK(!config.parents.empty() && config.parents.size() <= 9, "a gateway has 1 to 9 parents");
    for (const auto& parent : config.parents)
      CHECK(!parent.addresses.empty(), "a parent is somewhere");
  } else {
    CHECK(config.port && config.parents.empty(), "a server listens and has no parents");
    CHECK(!config.relay.backends.empty(), "a server has a backend");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = postern::config::Parse(text, "f", "");
  if (config) {
    CheckPromises(*config);
    return 0;
  }
  const std::string& message = config.error().message();
  for (std::size_t line = 0; line != std::string::npos && line < message.size();) {
    CHECK(std::string_view(message).substr(line).starts_with("f:"), "every line names the file");
    line = message.find('\n', line);
    if (line != std::string::npos) ++line;
  }
  return 0;
}
