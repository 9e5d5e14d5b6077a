#include "lib/json/print.h"

#include <string_view>

#include <nlohmann/json.hpp>

namespace postern::json {
namespace {

class Printer {
 public:
  explicit Printer(Layout layout) : indented_(layout == Layout::kIndented) {}

  std::string TakeText() && { return std::move(out_); }

  void Print(const Value& value) {
    if (const Array* items = value.AsArray()) return PrintArray(*items);
    if (const Object* members = value.AsObject()) return PrintObject(*members);
    if (const std::string* text = value.AsString()) return PrintLeaf(*text);
    if (const auto truth = value.AsBool()) return PrintLeaf(*truth);
    if (const auto number = value.AsInt()) return PrintLeaf(*number);
    if (const auto number = value.AsUint()) return PrintLeaf(*number);
    if (const auto number = value.AsDouble()) return PrintLeaf(*number);
    out_ += "null";
  }

 private:
  // Escapes and the shortest digits that read back are the library's business.
  void PrintLeaf(const nlohmann::json& leaf) {
    out_ += leaf.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  void PrintArray(const Array& items) {
    out_ += '[';
    ++depth_;
    for (const Value& item : items) {
      if (&item != &items.front()) out_ += ',';
      BreakLine();
      Print(item);
    }
    --depth_;
    if (!items.empty()) BreakLine();
    out_ += ']';
  }

  void PrintObject(const Object& members) {
    out_ += '{';
    ++depth_;
    for (const Member& member : members) {
      if (&member != &members.front()) out_ += ',';
      BreakLine();
      PrintLeaf(member.key);
      out_ += indented_ ? ": " : ":";
      Print(member.value);
    }
    --depth_;
    if (!members.empty()) BreakLine();
    out_ += '}';
  }

  void BreakLine() {
    if (!indented_) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  bool indented_;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace

std::string Print(const Value& value, Layout layout) {
  Printer printer(layout);
  printer.Print(value);
  return std::move(printer).TakeText();
}

}  // namespace postern::json
