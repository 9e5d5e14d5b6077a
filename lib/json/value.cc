#include "lib/json/value.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/base/check.h"

namespace postern::json {

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kNull: return "null";
    case Kind::kBool: return "a truth value";
    case Kind::kNumber: return "a number";
    case Kind::kString: return "a string";
    case Kind::kArray: return "an array";
    case Kind::kObject: return "an object";
  }
  CHECK(false, "every kind has a name");
}

Value::Value() = default;
Value::Value(double number) : held_(number) {}
Value::Value(std::string text) : held_(std::move(text)) {}
Value::Value(Array items) : held_(std::move(items)) {}
Value::Value(Object members) : held_(std::move(members)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

bool Value::operator==(const Value& other) const { return held_ == other.held_; }

void Value::SetBool(bool truth) { held_ = truth; }
void Value::SetSigned(std::int64_t number) { held_ = number; }

void Value::SetUnsigned(std::uint64_t number) {
  if (number <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    held_ = static_cast<std::int64_t>(number);
  } else {
    held_ = number;
  }
}

Kind Value::kind() const {
  static constexpr Kind kKinds[] = {Kind::kNull,   Kind::kBool,   Kind::kNumber, Kind::kNumber,
                                    Kind::kNumber, Kind::kString, Kind::kArray,  Kind::kObject};
  return kKinds[held_.index()];
}

std::optional<bool> Value::AsBool() const {
  if (const bool* truth = std::get_if<bool>(&held_)) return *truth;
  return std::nullopt;
}

std::optional<std::int64_t> Value::AsInt() const {
  if (const auto* number = std::get_if<std::int64_t>(&held_)) return *number;
  return std::nullopt;
}

std::optional<std::uint64_t> Value::AsUint() const {
  if (const auto* number = std::get_if<std::uint64_t>(&held_)) return *number;
  const auto* number = std::get_if<std::int64_t>(&held_);
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<double> Value::AsDouble() const {
  if (const auto* number = std::get_if<double>(&held_)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&held_)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&held_)) return static_cast<double>(*number);
  return std::nullopt;
}

const std::string* Value::AsString() const { return std::get_if<std::string>(&held_); }
const Array* Value::AsArray() const { return std::get_if<Array>(&held_); }
const Object* Value::AsObject() const { return std::get_if<Object>(&held_); }

const Value* Value::Find(std::string_view key) const {
  const Object* members = AsObject();
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, key, &Member::key);
  return found == members->end() ? nullptr : &found->value;
}

Value& Value::Set(std::string_view key, Value value) {
  if (is_null()) held_ = Object();
  auto* members = std::get_if<Object>(&held_);
  CHECK(members != nullptr, "only an object takes members");
  const auto found = std::ranges::find(*members, key, &Member::key);
  if (found != members->end()) {
    found->value = std::move(value);
  } else {
    members->push_back({std::string(key), std::move(value)});
  }
  return *this;
}

Value& Value::Append(Value value) {
  if (is_null()) held_ = Array();
  auto* items = std::get_if<Array>(&held_);
  CHECK(items != nullptr, "only an array takes items");
  items->push_back(std::move(value));
  return *this;
}

}  // namespace postern::json
