// The two things of gRPC over HTTP/2 that both the OTLP door and the link write themselves: the
// prefix of a message and the text of grpc-message
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
//
//   MessagePrefix prefix;
//   if (prefix.Take(chunk)) Begin(prefix.size());   // `chunk` is now what follows the prefix
//
// Threads: loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::http2 {

// The five bytes before each message: a flag, and the length, big-endian.
class MessagePrefix {
 public:
  static constexpr std::size_t kBytes = 5;

  // Takes what is missing from the front of `chunk`; returns whether the prefix is whole.
  bool Take(std::string_view& chunk);
  // Makes ready for the next message.
  void Reset() { filled_ = 0; }

  // Of a whole prefix. The flag is 1 where the message is compressed.
  std::uint8_t flag() const { return static_cast<std::uint8_t>(bytes_[0]); }
  std::size_t size() const;

 private:
  std::array<char, kBytes> bytes_{};
  std::size_t filled_ = 0;
};

// Escapes for grpc-message: printable ASCII stays, the rest and '%' become %XX.
std::string PercentEncode(std::string_view text);
// Undoes it. What is no escape stays as it is, so the result may hold any byte.
std::string PercentDecode(std::string_view text);

}  // namespace postern::http2
