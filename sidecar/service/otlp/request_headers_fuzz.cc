// The headers of a stranger's request: lines of "name: value". What is taken can be served.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "sidecar/record/record_codec.h"
#include "sidecar/service/otlp/request_headers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  service::RequestHeaders headers;
  bool taken = true;
  while (taken && !rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t colon = std::min(line.find(": ", 1), line.size());
    taken = headers.Take(line.substr(0, colon), line.substr(std::min(line.size(), colon + 2)));
  }
  if (!taken || headers.Fault()) return 0;
  CHECK(
      headers.timeout() >= base::Duration::zero() && headers.timeout() <= std::chrono::minutes(10),
      "a client waits neither for ever nor less than no time");
  CHECK(headers.signal() <= record::Signal::kTraces, "one of three signals");
  const record::Metadata metadata = headers.TakeMetadata();
  CHECK(metadata.size() <= record::kMaxMetadataEntries, "what a record may carry");
  for (const auto& [name, value] : metadata) {
    CHECK(name.starts_with("x-"), "credentials end at the door");
    CHECK(value.size() <= record::kMaxMetadataText, "what a record may carry");
  }
  return 0;
}
