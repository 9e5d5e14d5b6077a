// What a peer sends on a lane, in pieces that the first byte tells: messages, and frames in them. A
// frame that parses prints and parses to the same frame again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "sidecar/lane/frame.h"
#include "sidecar/lane/message_reader.h"

namespace {

using postern::base::Bytes;
using postern::base::Status;
using postern::lane::AppendFrame;
using postern::lane::Frame;
using postern::lane::kMessagePrefix;
using postern::lane::ParseFrame;

void CheckStable(const Bytes& message) {
  const auto first = ParseFrame(message);
  if (!first || std::holds_alternative<postern::lane::Unknown>(*first)) return;
  std::string printed;
  AppendFrame(*first, printed);
  const auto second = ParseFrame(Bytes::Copy(printed.substr(kMessagePrefix)));
  CHECK(second && *second == *first, "a frame comes back as it was printed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1U + data[0];
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckStable(Bytes::Copy(in));
  postern::lane::MessageReader reader(1U << 16U);
  for (std::size_t at = 0; at < in.size(); at += piece) {
    const Status taken = reader.Take(in.substr(at, piece), [](const Bytes& message) -> Status {
      CheckStable(message);
      return {};
    });
    CHECK(reader.held() <= 1U << 16U, "no message beyond the bound takes memory");
    if (!taken) break;
  }
  return 0;
}
