#include "lib/otlp/to_json.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/otlp/internal/json_text.h"
#include "lib/otlp/internal/schema.h"
#include "lib/otlp/internal/wire_reader.h"

namespace postern::otlp {
namespace {

using base::Code;
using base::Fail;
using base::Status;
using internal::Descriptor;
using internal::FieldDescriptor;
using internal::WireField;
using internal::WireReader;
using internal::WireType;

// As many as the largest message of otlp.proto, Span, has.
constexpr int kMostFields = 16;

// How one value of the field stands on the wire.
WireType TypeOf(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64: return WireType::kFixed64;
    case FieldDescriptor::TYPE_FIXED32: return WireType::kFixed32;
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE: return WireType::kBytes;
    default: return WireType::kVarint;
  }
}

// Whether `read` holds values of the field: one of its type, or a run of packed ones, which a
// reader must take wherever single ones may stand. What does not fit counts as unknown.
bool Holds(const FieldDescriptor& field, const WireField& read) {
  if (read.type == TypeOf(field)) return true;
  return field.is_packable() && read.type == WireType::kBytes && !read.bytes.empty();
}

// Cuts what a sender wrote to the width of the field, as every protobuf reader does.
std::uint64_t Narrow(const FieldDescriptor& field, std::uint64_t value) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: return value != 0 ? 1 : 0;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT32: return value & 0xFFFFFFFF;
    default: return value;
  }
}

// Whether a sender means the same by leaving the field out.
bool IsDefault(const FieldDescriptor& field, const WireField& read) {
  if (field.has_presence() || field.is_repeated()) return false;
  return read.type == WireType::kBytes ? read.bytes.empty() : Narrow(field, read.value) == 0;
}

template <typename Integer>
void AppendInteger(Integer number, std::string& out) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end.ptr);
}

template <typename Integer>
void AppendQuoted(Integer number, std::string& out) {
  out += '"';
  AppendInteger(number, out);
  out += '"';
}

void AppendNumber(const FieldDescriptor& field, std::uint64_t read, std::string& out) {
  const std::uint64_t value = Narrow(field, read);
  const auto low = static_cast<std::uint32_t>(value);
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
      return internal::AppendDouble(std::bit_cast<double>(value), out);
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_UINT64: return AppendQuoted(value, out);
    case FieldDescriptor::TYPE_SFIXED64:
    case FieldDescriptor::TYPE_INT64: return AppendQuoted(static_cast<std::int64_t>(value), out);
    case FieldDescriptor::TYPE_INT32: return AppendInteger(static_cast<std::int32_t>(low), out);
    case FieldDescriptor::TYPE_SINT32:  // zigzag: 0, -1, 1, -2, …
      return AppendInteger(static_cast<std::int32_t>(low >> 1 ^ (0 - (low & 1))), out);
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_UINT32: return AppendInteger(low, out);
    case FieldDescriptor::TYPE_BOOL: out += value != 0 ? "true" : "false"; return;
    default: CHECK(false, "otlp.proto has no field of another type");
  }
}

// Each Append returns whether the bytes were protobuf; the caller throws away what was appended
// then.
class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  bool AppendMessage(const Descriptor& message, std::string_view bytes, int depth);

 private:
  bool AppendValue(const FieldDescriptor& field, const WireField& read, int depth);
  bool AppendRepeated(const FieldDescriptor& field, std::string_view message, int depth);
  bool AppendPacked(const FieldDescriptor& field, std::string_view packed);
  // Comma before all but the first element or member of what was opened last.
  void Separate() {
    if (out_.back() != '[' && out_.back() != '{') out_ += ',';
  }

  std::string& out_;
};

// Fields may stand in any order and elements of a list apart from each other, but JSON wants each
// key once: so one look over the message finds which fields there are, and each list gets one of
// its own.
bool Printer::AppendMessage(const Descriptor& message, std::string_view bytes, int depth) {
  CHECK(message.field_count() <= kMostFields, "each field has its place in the table");
  if (depth > internal::kMostDepth) return false;
  std::array<WireField, kMostFields> last;
  std::uint32_t present = 0;
  WireReader reader(bytes);
  for (WireField read; reader.Next(read);) {
    const FieldDescriptor* const field = message.FindFieldByNumber(static_cast<int>(read.number));
    if (field == nullptr || !Holds(*field, read)) continue;
    if (const auto* const oneof = field->real_containing_oneof()) {
      for (int i = 0; i < oneof->field_count(); ++i) present &= ~(1U << oneof->field(i)->index());
    }
    const std::uint32_t bit = 1U << field->index();
    last[static_cast<std::size_t>(field->index())] = read;
    present = IsDefault(*field, read) ? present & ~bit : present | bit;
  }
  if (!reader.ok()) return false;
  out_ += '{';
  for (; present != 0; present &= present - 1) {
    const int index = std::countr_zero(present);
    const FieldDescriptor& field = *message.field(index);
    Separate();
    out_ += '"';
    out_ += field.json_name();
    out_ += "\":";
    const WireField& read = last[static_cast<std::size_t>(index)];
    if (field.is_repeated() ? !AppendRepeated(field, bytes, depth)
                            : !AppendValue(field, read, depth)) {
      return false;
    }
  }
  out_ += '}';
  return true;
}

bool Printer::AppendValue(const FieldDescriptor& field, const WireField& read, int depth) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_MESSAGE:
      return AppendMessage(*field.message_type(), read.bytes, depth + 1);
    case FieldDescriptor::TYPE_STRING: internal::AppendText(read.bytes, out_); return true;
    case FieldDescriptor::TYPE_BYTES:
      internal::IsHexId(field) ? internal::AppendHex(read.bytes, out_)
                               : internal::AppendBase64(read.bytes, out_);
      return true;
    default: AppendNumber(field, read.value, out_); return true;
  }
}

bool Printer::AppendRepeated(const FieldDescriptor& field, std::string_view message, int depth) {
  out_ += '[';
  WireReader reader(message);
  for (WireField read; reader.Next(read);) {
    if (static_cast<int>(read.number) != field.number() || !Holds(field, read)) continue;
    if (read.type != TypeOf(field)) {
      if (!AppendPacked(field, read.bytes)) return false;
    } else {
      Separate();
      if (!AppendValue(field, read, depth)) return false;
    }
  }
  out_ += ']';
  return true;
}

bool Printer::AppendPacked(const FieldDescriptor& field, std::string_view packed) {
  WireReader reader(packed);
  while (const auto value = reader.NextPacked(TypeOf(field))) {
    Separate();
    AppendNumber(field, *value, out_);
  }
  return reader.ok();
}

}  // namespace

Status AppendJsonLine(Signal signal, std::string_view protobuf, std::string& out) {
  const std::size_t before = out.size();
  if (!Printer(out).AppendMessage(internal::RequestOf(signal), protobuf, 0)) {
    out.resize(before);
    return Fail(Code::kInvalid, "decoding an export of " + std::to_string(protobuf.size()) +
                                    " bytes: no protobuf, or nested deeper than " +
                                    std::to_string(internal::kMostDepth) + " messages");
  }
  out += '\n';
  return {};
}

}  // namespace postern::otlp
