// What a log line is made of: a message and keys that are constants, and values that vary.
//
// The compiler holds a message and a key to be constants: text that varies is a value, so that
// lines of one kind are found by their message, and a peer's text is always escaped.
//
//   log.Info("link established", {{"peer", host}, {"port", 5723}, {"took", took}});
//
// A Field only looks at its text: it lives as long as the call that it is written in.
// Threads: immutable.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "lib/base/clock.h"

namespace postern::log {

// The implicit conversions below are what makes a call read as a line of text.
// NOLINTBEGIN(google-explicit-constructor)

// The constant sentence of a line: "link established".
class Message {
 public:
  consteval Message(const char* text) : text_(text) {
    for (const char c : text_) {
      if (c < ' ' || c > '~') throw "a message is printable ASCII on one line";
    }
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// The constant name of a value: a-z, 0-9 and _. `time`, `level` and `message` are the line's own.
class Key {
 public:
  consteval Key(const char* text) : text_(text) {
    if (text_.empty() || text_ == "time" || text_ == "level" || text_ == "message") {
      throw "a key has a name of its own";
    }
    for (const char c : text_) {
      if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
        throw "a key is made of a-z, 0-9 and _";
      }
    }
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

class Value {
 public:
  Value(const char* text) : value_(std::string_view(text)) {}
  Value(std::string_view text) : value_(text) {}
  Value(const std::string& text) : value_(std::string_view(text)) {}
  Value(bool truth) : value_(truth) {}
  Value(double number) : value_(number) {}
  template <std::signed_integral T>
  Value(T number) : value_(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Value(T number) : value_(static_cast<std::uint64_t>(number)) {}
  template <typename Rep, typename Period>
  Value(std::chrono::duration<Rep, Period> time)
      : value_(std::chrono::duration_cast<base::Duration>(time)) {}
  Value(const void*) = delete;  // else a pointer would be a truth value

  const auto& get() const { return value_; }

 private:
  std::variant<std::string_view, bool, double, std::int64_t, std::uint64_t, base::Duration> value_;
};
// NOLINTEND(google-explicit-constructor)

struct Field {
  Key key;
  Value value;
};

// Returns a duration as people write it, in its largest fitting unit: "250ms", "1.5s", "12us".
std::string DurationText(base::Duration time);

}  // namespace postern::log
