#include "lib/json/parse.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <nlohmann/json.hpp>

#include "lib/json/print.h"

namespace postern::json {
namespace {

using base::Code;
using base::Error;
using base::Fail;

// Reads a text and tells how far the parser came: its events carry no position of their own.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char*& furthest) : at_(at), furthest_(&furthest) {}

  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

std::string PositionOf(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return std::to_string(line) + ":" + std::to_string(offset - start + 1);
}

// Returns where the string that ends with the quote at `end` begins: inside, every quote stands
// behind an odd number of backslashes.
std::size_t StartOfString(std::string_view text, std::size_t end) {
  std::size_t at = end;
  while (at > 0) {
    at = text.rfind('"', at - 1);
    if (at == std::string_view::npos) return 0;
    std::size_t slashes = 0;
    while (slashes < at && text[at - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) return at;
  }
  return 0;
}

// Keys in messages: quoted, escaped and short.
std::string Shown(const std::string& key) {
  constexpr std::size_t kMost = 60;
  return Print(key.size() <= kMost ? key : key.substr(0, kMost) + "…");
}

// Builds the Value from the parser's events on a stack of its own.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const char*& furthest, std::size_t depth)
      : text_(text), furthest_(furthest), depth_(depth) {}

  Value TakeRoot() { return std::move(root_); }
  const std::optional<Error>& error() const { return error_; }

  bool null() override { return Add(Value()); }
  bool boolean(bool truth) override { return Add(truth); }
  bool number_integer(number_integer_t number) override { return Add(number); }
  bool number_unsigned(number_unsigned_t number) override { return Add(number); }
  bool number_float(number_float_t number, const string_t&) override {
    if (!std::isfinite(number)) return Refuse(Offset() - 1, "the number is too large");
    return Add(number);
  }
  bool string(string_t& text) override { return Add(std::move(text)); }
  bool binary(binary_t&) override { return Refuse(Offset(), "binary data in JSON text"); }
  bool start_object(std::size_t) override { return Open(/*is_array=*/false); }
  bool start_array(std::size_t) override { return Open(/*is_array=*/true); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    Frame& frame = open_.back();
    if (!frame.keys.insert(name).second) {
      return Refuse(StartOfString(text_, Offset() - 1), "duplicate key " + Shown(name));
    }
    frame.key = std::move(name);
    return true;
  }

  // The library's sentence ends with "; last read: '…'; expected …": what was read may be a secret.
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::json::exception& exception) override {
    std::string what = exception.what();
    if (const auto start = what.find("] "); start != std::string::npos) what.erase(0, start + 2);
    if (what.starts_with("parse error at")) what.erase(0, what.find(": ") + 2);
    const auto secret = what.find("; last read: '");
    if (secret != std::string::npos) {
      const auto end = what.rfind("'; expected ");
      const bool expects = end != std::string::npos && end > secret;
      what.erase(secret, expects ? end + 1 - secret : std::string::npos);
    }
    if (what.starts_with("number overflow")) what = "the number is too large";
    return Refuse(Offset() > 0 ? Offset() - 1 : 0, what);
  }

 private:
  struct Frame {
    bool is_array;
    Array items;
    Object members;
    std::string key;                       // of the member that comes next
    std::unordered_set<std::string> keys;  // so far: looking through `members` would be quadratic
  };

  std::size_t Offset() const { return static_cast<std::size_t>(furthest_ - text_.data()); }

  bool Refuse(std::size_t offset, const std::string& what) {
    error_ = Fail(Code::kInvalid, PositionOf(text_, offset) + ": " + what);
    return false;
  }

  bool Add(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Frame& frame = open_.back(); frame.is_array) {
      frame.items.push_back(std::move(value));
    } else {
      frame.members.push_back({std::move(frame.key), std::move(value)});
    }
    return true;
  }

  bool Open(bool is_array) {
    if (open_.size() >= depth_) {
      return Refuse(Offset() - 1, "nested deeper than " + std::to_string(depth_));
    }
    open_.push_back({.is_array = is_array, .items = {}, .members = {}, .key = {}, .keys = {}});
    return true;
  }

  bool Close() {
    Frame done = std::move(open_.back());
    open_.pop_back();
    return done.is_array ? Add(std::move(done.items)) : Add(std::move(done.members));
  }

  std::string_view text_;
  const char*& furthest_;
  std::size_t depth_;
  std::vector<Frame> open_;
  Value root_;
  std::optional<Error> error_;
};

}  // namespace

base::Result<Value> Parse(std::string_view text, const Bounds& bounds) {
  if (text.size() > bounds.bytes) {
    return Fail(Code::kExhausted, "JSON text of " + std::to_string(text.size()) +
                                      " bytes: at most " + std::to_string(bounds.bytes) +
                                      " are read");
  }
  const char* furthest = text.data();
  Builder builder(text, furthest, bounds.depth);
  const char* end = text.data() + text.size();
  const bool parsed = nlohmann::json::sax_parse(CountingIterator(text.data(), furthest),
                                                CountingIterator(end, furthest), &builder);
  if (builder.error()) return *builder.error();
  if (!parsed) return Fail(Code::kInvalid, "1:1: not JSON");
  return builder.TakeRoot();
}

}  // namespace postern::json
