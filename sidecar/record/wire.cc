#include "sidecar/record/wire.h"

namespace postern::record {

void Writer::Number(std::uint64_t value) {
  while (value >= 0x80) {
    Byte(static_cast<std::uint8_t>(value) | 0x80U);
    value >>= 7U;
  }
  Byte(static_cast<std::uint8_t>(value));
}

void Writer::Word(std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) Byte(static_cast<std::uint8_t>(value >> shift));
}

void Writer::Text(std::string_view text) {
  Number(text.size());
  Raw(text);
}

void Reader::Fault() {
  ok_ = false;
  in_ = {};
}

std::uint8_t Reader::Byte() {
  if (in_.empty()) {
    Fault();
    return 0;
  }
  const auto value = static_cast<std::uint8_t>(in_.front());
  in_.remove_prefix(1);
  return value;
}

std::uint64_t Reader::Number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    const std::uint64_t bits = byte & 0x7fU;
    if (shift == 63 && bits > 1) break;  // would not fit 64 bits
    value |= bits << shift;
    if ((byte & 0x80U) == 0) return ok_ ? value : 0;
  }
  Fault();
  return 0;
}

std::uint32_t Reader::Word() {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) value |= std::uint32_t{Byte()} << shift;
  return ok_ ? value : 0;
}

std::string_view Reader::Raw(std::size_t size) {
  if (size > in_.size()) {
    Fault();
    return {};
  }
  const std::string_view bytes = in_.substr(0, size);
  in_.remove_prefix(size);
  return bytes;
}

std::string_view Reader::Text(std::size_t most) {
  const std::uint64_t size = Number();
  if (size > most) {
    Fault();
    return {};
  }
  return Raw(static_cast<std::size_t>(size));
}

}  // namespace postern::record
