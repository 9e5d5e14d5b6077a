#include "lib/http2/grpc_framing.h"

#include <algorithm>
#include <charconv>

namespace postern::http2 {

bool MessagePrefix::Take(std::string_view& chunk) {
  const std::size_t taken = std::min(chunk.size(), kBytes - filled_);
  std::copy_n(chunk.begin(), taken, bytes_.begin() + static_cast<std::ptrdiff_t>(filled_));
  filled_ += taken;
  chunk.remove_prefix(taken);
  return filled_ == kBytes;
}

std::size_t MessagePrefix::size() const {
  std::size_t size = 0;
  for (std::size_t i = 1; i < kBytes; ++i) size = size << 8U | static_cast<std::uint8_t>(bytes_[i]);
  return size;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '%') {
      encoded += c;
      continue;
    }
    encoded += '%';
    encoded += kHex[byte >> 4U];
    encoded += kHex[byte & 0xfU];
  }
  return encoded;
}

std::string PercentDecode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const std::string_view hex = text.substr(i, 3);
    const bool escaped = hex.size() == 3 && hex[0] == '%' &&
                         std::from_chars(&hex[1], &hex[1] + 2, byte, 16).ptr == &hex[1] + 2;
    decoded += escaped ? static_cast<char>(byte) : text[i];
    if (escaped) i += 2;
  }
  return decoded;
}

}  // namespace postern::http2
