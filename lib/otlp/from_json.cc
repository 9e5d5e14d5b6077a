#include "lib/otlp/from_json.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

#include "lib/base/check.h"
#include "lib/json/parse.h"
#include "lib/json/value.h"
#include "lib/otlp/internal/json_text.h"
#include "lib/otlp/internal/schema.h"

namespace postern::otlp {
namespace {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;
using base::Status;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using internal::FieldDescriptor;
using json::Value;

// Where in the text we are, told only when something is wrong there.
struct Place {
  const Place* parent = nullptr;
  std::string_view key = {};
  std::optional<std::size_t> index = {};

  std::string Path() const {
    std::string path = parent != nullptr ? parent->Path() : "";
    if (!key.empty()) (path += path.empty() ? "" : ".") += key;
    if (index) path += "[" + std::to_string(*index) + "]";
    return path;
  }
  Error Finding(std::string_view what) const {
    const std::string path = Path();
    return Fail(Code::kInvalid, (path.empty() ? "" : path + ": ") + std::string(what));
  }
  Error NotA(std::string_view wanted, const Value& value) const {
    return Finding("not " + std::string(wanted) + " but " + std::string(KindName(value.kind())));
  }
};

template <std::integral Integer>
std::optional<Integer> Fit(const Value& number) {
  if (const auto value = number.AsInt(); value && std::in_range<Integer>(*value)) {
    return static_cast<Integer>(*value);
  }
  if (const auto value = number.AsUint(); value && std::in_range<Integer>(*value)) {
    return static_cast<Integer>(*value);
  }
  return std::nullopt;
}

template <std::integral Integer>
Result<Integer> ReadInteger(const Value& value, const Place& place) {
  if (const std::string* text = value.AsString()) {
    Integer number = 0;
    const char* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, number);
    if (read.ec == std::errc() && read.ptr == end) return number;
    return place.Finding("not a whole number that fits");
  }
  if (value.kind() != json::Kind::kNumber) return place.NotA("a number", value);
  if (const auto number = Fit<Integer>(value)) return *number;
  return place.Finding("not a whole number that fits");
}

Result<double> ReadNumber(const Value& value, const Place& place) {
  if (const auto number = value.AsDouble()) return *number;
  const std::string* const text = value.AsString();
  if (text == nullptr) return place.NotA("a number", value);
  if (const auto number = internal::ReadDouble(*text)) return *number;
  return place.Finding("not a number");
}

Result<bool> ReadBool(const Value& value, const Place& place) {
  if (const auto truth = value.AsBool()) return *truth;
  return place.NotA("true or false", value);
}

Result<std::string> ReadString(const FieldDescriptor& field, const Value& value,
                               const Place& place) {
  const std::string* const text = value.AsString();
  if (text == nullptr) return place.NotA("a string", value);
  if (field.type() == FieldDescriptor::TYPE_STRING) return *text;
  if (internal::IsHexId(field)) {
    if (auto bytes = internal::ReadHex(*text)) return *std::move(bytes);
    return place.Finding("not hex digits in pairs");
  }
  if (auto bytes = internal::ReadBase64(*text)) return *std::move(bytes);
  return place.Finding("not base64");
}

// Writes what Values say into Messages, whose memory is an arena's.
class Reader {
 public:
  static Status ReadMessage(const Value& value, const Place& place, int depth, Message& message);

 private:
  static Status ReadMember(const FieldDescriptor& field, const Value& value, const Place& place,
                           int depth, Message& message);
  static Status ReadList(const FieldDescriptor& field, const Value& value, const Place& place,
                         int depth, Message& message);
  static Status ReadOne(const FieldDescriptor& field, const Value& value, const Place& place,
                        Message& message);
};

Status Reader::ReadMessage(const Value& value, const Place& place, int depth, Message& message) {
  if (depth > internal::kMostDepth) {
    return place.Finding("nested deeper than " + std::to_string(internal::kMostDepth) +
                         " messages");
  }
  const json::Object* const object = value.AsObject();
  if (object == nullptr) return place.NotA("an object", value);
  for (const json::Member& member : *object) {
    const FieldDescriptor* const field =
        message.GetDescriptor()->FindFieldByCamelcaseName(member.key);
    if (field == nullptr || member.value.is_null()) continue;
    const Place here{.parent = &place, .key = member.key};
    RETURN_IF_ERROR(ReadMember(*field, member.value, here, depth, message));
  }
  return {};
}

Status Reader::ReadMember(const FieldDescriptor& field, const Value& value, const Place& place,
                          int depth, Message& message) {
  if (field.is_repeated()) return ReadList(field, value, place, depth, message);
  const auto* const oneof = field.real_containing_oneof();
  if (oneof != nullptr && message.GetReflection()->HasOneof(message, oneof)) {
    return place.Finding("a second value where one is allowed");
  }
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
    return ReadMessage(value, place, depth + 1,
                       *message.GetReflection()->MutableMessage(&message, &field));
  }
  return ReadOne(field, value, place, message);
}

Status Reader::ReadList(const FieldDescriptor& field, const Value& value, const Place& place,
                        int depth, Message& message) {
  const json::Array* const items = value.AsArray();
  if (items == nullptr) return place.NotA("an array", value);
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Place here{.parent = &place, .index = i};
    if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
      RETURN_IF_ERROR(ReadMessage((*items)[i], here, depth + 1,
                                  *message.GetReflection()->AddMessage(&message, &field)));
    } else {
      RETURN_IF_ERROR(ReadOne(field, (*items)[i], here, message));
    }
  }
  return {};
}

Status Reader::ReadOne(const FieldDescriptor& field, const Value& value, const Place& place,
                       Message& message) {
  const auto& to = *message.GetReflection();
  const bool add = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      ASSIGN_OR_RETURN(const auto number, ReadInteger<std::int32_t>(value, place));
      add ? to.AddInt32(&message, &field, number) : to.SetInt32(&message, &field, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      ASSIGN_OR_RETURN(const auto number, ReadInteger<std::uint32_t>(value, place));
      add ? to.AddUInt32(&message, &field, number) : to.SetUInt32(&message, &field, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      ASSIGN_OR_RETURN(const auto number, ReadInteger<std::int64_t>(value, place));
      add ? to.AddInt64(&message, &field, number) : to.SetInt64(&message, &field, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      ASSIGN_OR_RETURN(const auto number, ReadInteger<std::uint64_t>(value, place));
      add ? to.AddUInt64(&message, &field, number) : to.SetUInt64(&message, &field, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      ASSIGN_OR_RETURN(const double number, ReadNumber(value, place));
      add ? to.AddDouble(&message, &field, number) : to.SetDouble(&message, &field, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      ASSIGN_OR_RETURN(const bool truth, ReadBool(value, place));
      add ? to.AddBool(&message, &field, truth) : to.SetBool(&message, &field, truth);
      return {};
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      ASSIGN_OR_RETURN(std::string text, ReadString(field, value, place));
      add ? to.AddString(&message, &field, std::move(text))
          : to.SetString(&message, &field, std::move(text));
      return {};
    }
    default: CHECK(false, "otlp.proto has no field of another type");
  }
}

}  // namespace

Result<std::string> FromJson(Signal signal, std::string_view text) {
  // A message is at most an object in an array.
  const json::Bounds bounds{.bytes = text.size(), .depth = 2 * internal::kMostDepth + 2};
  ASSIGN_OR_RETURN(const Value value, json::Parse(text, bounds));
  google::protobuf::Arena arena;
  const auto& prototype =
      *MessageFactory::generated_factory()->GetPrototype(&internal::RequestOf(signal));
  Message& request = *prototype.New(&arena);
  RETURN_IF_ERROR(Reader::ReadMessage(value, Place{}, 0, request));
  return request.SerializeAsString();
}

}  // namespace postern::otlp
