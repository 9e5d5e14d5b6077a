// HTTP/2 frames by hand, right ones and wrong ones: what a peer sends that is not a library.
//
//   const std::string hello = raw::Hello() + raw::Frame(raw::kPing, 0, 0, "12345678");
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::http2::raw {

// RFC 9113, section 6.
inline constexpr std::uint8_t kData = 0;
inline constexpr std::uint8_t kHeaders = 1;
inline constexpr std::uint8_t kPriority = 2;
inline constexpr std::uint8_t kReset = 3;
inline constexpr std::uint8_t kSettings = 4;
inline constexpr std::uint8_t kPushPromise = 5;
inline constexpr std::uint8_t kPing = 6;
inline constexpr std::uint8_t kGoAway = 7;
inline constexpr std::uint8_t kWindowUpdate = 8;
inline constexpr std::uint8_t kContinuation = 9;
inline constexpr std::uint8_t kEndStream = 1;
inline constexpr std::uint8_t kAck = 1;
inline constexpr std::uint8_t kEndHeaders = 4;

inline std::string Word(std::uint32_t value) {
  std::string word;
  for (int shift = 24; shift >= 0; shift -= 8) word += static_cast<char>(value >> shift);
  return word;
}

inline std::string Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload) {
  std::string frame = Word(static_cast<std::uint32_t>(payload.size())).substr(1);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  frame += Word(stream);
  return frame.append(payload);
}

inline std::string Preface() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; }
inline std::string Hello() { return Preface() + Frame(kSettings, 0, 0, ""); }

// ":method POST, :scheme https, :path /, :authority x" (RFC 7541, appendix A).
inline std::string Request() { return "\x83\x87\x84\x41\x01x"; }
inline std::string Open(std::uint32_t stream, std::uint8_t more_flags = 0) {
  return Frame(kHeaders, static_cast<std::uint8_t>(kEndHeaders | more_flags), stream, Request());
}

}  // namespace postern::http2::raw
