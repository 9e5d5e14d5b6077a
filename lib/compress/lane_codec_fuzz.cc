// The first two bytes say how much of the rest is history. What follows is read as a frame, which
// may be refused but writes nothing beyond its raw size, and as plain text, which comes back equal.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/compress/lane_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static postern::compress::LaneCodec codec;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  if (in.size() < 2) return 0;
  const std::size_t wanted = data[0] * 256U + data[1];
  in.remove_prefix(2);
  postern::compress::LaneHistory history;
  history.Append(in.substr(0, wanted));
  const std::string_view body = in.substr(std::min(wanted, in.size()));

  std::vector<char> out(wanted);  // of exactly the announced size: a sanitizer sees one byte more
  (void)codec.Decompress(history, body, out.size(), out.data());

  std::string frame;
  if (codec.Compress(history, body, frame) == 0) return 0;
  std::vector<char> back(body.size());
  const auto status = codec.Decompress(history, frame, back.size(), back.data());
  CHECK(status && std::string_view(back.data(), back.size()) == body,
        "plain text comes back equal");
  return 0;
}
