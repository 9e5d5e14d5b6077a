// WireReader: one protobuf message's fields, one after the other, without copying or allocating.
//
//   WireField field;
//   for (WireReader reader(message); reader.Next(field);) …
//   if (!reader.ok()) …   // the bytes ended inside of a field, or are none
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::otlp::internal {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;  // of all types but kBytes
  std::string_view bytes;   // of kBytes: in the memory that is read
};

// Threads: loop.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  // Reads the next field, known or not. False at the end and at the first bytes that are no field;
  // groups, which OTLP never had, are none.
  bool Next(WireField& field);
  // Whether all bytes so far were fields.
  bool ok() const { return ok_; }

  // Reads one value without a tag, as packed fields have them; ok() as above.
  std::optional<std::uint64_t> NextPacked(WireType type);

 private:
  bool Varint(std::uint64_t& value);
  bool Fixed(std::size_t size, std::uint64_t& value);
  bool Bytes(std::string_view& bytes);
  bool Value(WireType type, WireField& field);

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace postern::otlp::internal
