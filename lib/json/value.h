// Value: one JSON value of our own, so that no caller sees the library that parses it.
//
// Objects keep the order in which their keys were written: what we print is what people wrote.
// Whole numbers stay whole from -2^63 to 2^64-1. Not a database: a key is found by looking through
// all.
//
//   Value object = Object{{"host", "gw1"}, {"port", 5723}};
//   if (const Value* port = object.Find("port")) Listen(port->AsInt().value_or(0));
//
// Threads: immutable (a Value that nobody changes may be read from any thread).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::json {

class Value;
struct Member;
using Array = std::vector<Value>;
using Object = std::vector<Member>;

enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

// Returns the kind as people say it: "a string".
std::string_view KindName(Kind kind);

class Value {
 public:
  // Implicit, so that a tree can be written as one: Object{{"ports", Array{4317, 5723}}}.
  // NOLINTBEGIN(google-explicit-constructor)
  Value();
  Value(std::nullptr_t) : Value() {}
  template <std::integral Integer>
  Value(Integer number) : Value() {
    if constexpr (std::same_as<Integer, bool>) {
      SetBool(number);
    } else if constexpr (std::signed_integral<Integer>) {
      SetSigned(number);
    } else {
      SetUnsigned(number);
    }
  }
  Value(double number);
  Value(std::string text);
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(Array items);
  Value(Object members);
  // NOLINTEND(google-explicit-constructor)

  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  Kind kind() const;
  bool is_null() const { return kind() == Kind::kNull; }

  // Each returns nothing where the value is of another kind or, for numbers, does not fit.
  std::optional<bool> AsBool() const;
  std::optional<std::int64_t> AsInt() const;
  std::optional<std::uint64_t> AsUint() const;
  std::optional<double> AsDouble() const;  // any number; beyond 2^53 the nearest one
  const std::string* AsString() const;
  const Array* AsArray() const;
  const Object* AsObject() const;

  // Returns the member called `key`; nullptr where there is none or this is no object.
  const Value* Find(std::string_view key) const;
  // Replaces the member called `key`, or adds it at the end. A null value becomes an object first;
  // any other kind is a bug of the caller's.
  Value& Set(std::string_view key, Value value);
  // Adds `value` at the end. A null value becomes an array first; any other kind is a bug.
  Value& Append(Value value);

  // Equal in kind, order and number; 1 and 1.0 differ.
  bool operator==(const Value& other) const;

 private:
  void SetBool(bool truth);
  void SetSigned(std::int64_t number);
  void SetUnsigned(std::uint64_t number);

  // A whole number that fits std::int64_t is held as one, so that equal numbers compare equal.
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      held_;
};

struct Member {
  std::string key;
  Value value;

  bool operator==(const Member&) const = default;
};

}  // namespace postern::json
