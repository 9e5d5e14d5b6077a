#include "lib/otlp/internal/wire_reader.h"

namespace postern::otlp::internal {
namespace {

constexpr int kMostVarint = 10;
constexpr std::uint64_t kMostTag = 0xFFFFFFFF;

}  // namespace

bool WireReader::Next(WireField& field) {
  if (rest_.empty() || !ok_) return false;
  std::uint64_t tag = 0;
  ok_ = Varint(tag) && tag <= kMostTag && tag >> 3 != 0;
  if (!ok_) return false;
  field.number = static_cast<std::uint32_t>(tag >> 3);
  field.type = static_cast<WireType>(tag & 7);
  field.bytes = {};
  return ok_ = Value(field.type, field);
}

std::optional<std::uint64_t> WireReader::NextPacked(WireType type) {
  if (rest_.empty() || !ok_) return std::nullopt;
  WireField field{};
  ok_ = Value(type, field);
  return ok_ ? std::optional(field.value) : std::nullopt;
}

bool WireReader::Value(WireType type, WireField& field) {
  switch (type) {
    case WireType::kVarint: return Varint(field.value);
    case WireType::kFixed64: return Fixed(8, field.value);
    case WireType::kBytes: return Bytes(field.bytes);
    case WireType::kFixed32: return Fixed(4, field.value);
  }
  return false;
}

bool WireReader::Varint(std::uint64_t& value) {
  value = 0;
  for (int i = 0; i < kMostVarint && static_cast<std::size_t>(i) < rest_.size(); ++i) {
    const auto byte = static_cast<unsigned char>(rest_[static_cast<std::size_t>(i)]);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(static_cast<std::size_t>(i) + 1);
      return true;
    }
  }
  return false;
}

bool WireReader::Fixed(std::size_t size, std::uint64_t& value) {
  if (rest_.size() < size) return false;
  value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(size);
  return true;
}

bool WireReader::Bytes(std::string_view& bytes) {
  std::uint64_t size = 0;
  if (!Varint(size) || size > rest_.size()) return false;
  bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

}  // namespace postern::otlp::internal
