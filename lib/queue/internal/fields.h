// The fixed-width little-endian fields that the log's files are made of.
//
// A FieldReader never reads beyond its input: after the first fault it yields zeroes and `ok()` is
// false, so that a parser checks once, at its end.
//
// Threads: loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::queue::internal {

template <typename T>
void PutField(T value, char* out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>(value >> (8 * i));
}

template <typename T>
void AppendField(T value, std::string& out) {
  out.resize(out.size() + sizeof(T));
  PutField(value, out.data() + out.size() - sizeof(T));
}

template <std::size_t kSize>
void AppendField(const std::array<std::uint8_t, kSize>& bytes, std::string& out) {
  out.append(reinterpret_cast<const char*>(bytes.data()), kSize);
}

// The length in two bytes, then the text.
inline void AppendText(std::string_view text, std::string& out) {
  AppendField(static_cast<std::uint16_t>(text.size()), out);
  out += text;
}

class FieldReader {
 public:
  explicit FieldReader(std::string_view in) : in_(in) {}

  std::uint16_t U16() { return Number<std::uint16_t>(); }
  std::uint32_t U32() { return Number<std::uint32_t>(); }
  std::uint64_t U64() { return Number<std::uint64_t>(); }
  std::string_view Raw(std::size_t size) {
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const std::string_view raw = in_.substr(0, size);
    in_.remove_prefix(size);
    return raw;
  }
  std::string_view Text() { return Raw(U16()); }
  template <std::size_t kSize>
  std::array<std::uint8_t, kSize> Array() {
    std::array<std::uint8_t, kSize> array{};
    const std::string_view raw = Raw(kSize);
    for (std::size_t i = 0; i < raw.size(); ++i) array[i] = static_cast<std::uint8_t>(raw[i]);
    return array;
  }

  bool ok() const { return ok_; }
  std::string_view rest() const { return in_; }

 private:
  template <typename T>
  T Number() {
    T value = 0;
    const std::string_view raw = Raw(sizeof(T));
    for (std::size_t i = 0; i < raw.size(); ++i) {
      value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(raw[i])) << (8 * i));
    }
    return value;
  }

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace postern::queue::internal
