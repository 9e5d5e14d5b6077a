// The integers and strings that frames and records are made of: little-endian base-128 numbers,
// fixed 32-bit words and length-prefixed strings. docs/link-protocol.md has the formats.
//
// A Reader never reads beyond its input: after the first fault it yields zeros and `ok()` is false,
// so that a parser checks once, at its end.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::record {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void Byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void Number(std::uint64_t value);
  void Word(std::uint32_t value);
  void Raw(std::string_view bytes) { out_.append(bytes); }
  // The length as a Number, then the bytes.
  void Text(std::string_view text);

 private:
  std::string& out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  std::uint8_t Byte();
  std::uint64_t Number();
  std::uint32_t Word();
  std::string_view Raw(std::size_t size);
  // A string of at most `most` bytes; a longer one is a fault.
  std::string_view Text(std::size_t most);

  bool ok() const { return ok_; }
  bool done() const { return in_.empty(); }
  std::string_view rest() const { return in_; }

 private:
  void Fault();

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace postern::record
