#include "lib/yaml/print.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lib/json/print.h"

namespace postern::yaml {

namespace {

constexpr std::size_t kIndent = 2;
// Words that some version of YAML reads as a truth value or as nothing, in lower case.
constexpr std::array<std::string_view, 9> kTaken{"null", "true", "false", "yes", "no",
                                                 "on",   "off",  "y",     "n"};

bool IsLetter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }
bool IsPlain(char byte) {
  return IsLetter(byte) || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
         byte == '.' || byte == '/';
}
char Lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; }

std::string Scalar(const json::Value& value) {
  const std::string* text = value.AsString();
  if (text == nullptr || text->empty() || !IsLetter(text->front()) ||
      !std::all_of(text->begin(), text->end(), IsPlain)) {
    return json::Print(value);
  }
  std::string lower = *text;
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  const bool taken = std::find(kTaken.begin(), kTaken.end(), lower) != kTaken.end();
  return taken ? json::Print(value) : *text;
}

bool IsBlock(const json::Value& value) {
  const json::Array* items = value.AsArray();
  const json::Object* members = value.AsObject();
  return (items != nullptr && !items->empty()) || (members != nullptr && !members->empty());
}

// Appends the lines of a block; the first one without its indentation, which is there already.
void AppendBlock(const json::Value& value, std::size_t indent, std::string& out);

void AppendMember(const json::Member& member, std::size_t indent, std::string& out) {
  out += Scalar(member.key) + ":";
  if (!IsBlock(member.value)) {
    out += " " + Scalar(member.value) + "\n";
    return;
  }
  out += "\n" + std::string(indent + kIndent, ' ');
  AppendBlock(member.value, indent + kIndent, out);
}

void AppendBlock(const json::Value& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  std::string_view before;
  if (const json::Object* members = value.AsObject()) {
    for (const json::Member& member : *members) {
      out += before;
      AppendMember(member, indent, out);
      before = margin;
    }
    return;
  }
  for (const json::Value& item : *value.AsArray()) {
    out.append(before).append("- ");
    before = margin;
    if (IsBlock(item)) {
      AppendBlock(item, indent + kIndent, out);
    } else {
      out += Scalar(item) + "\n";
    }
  }
}

}  // namespace

std::string Print(const json::Value& value) {
  std::string text;
  if (!IsBlock(value)) return Scalar(value) + "\n";
  AppendBlock(value, 0, text);
  return text;
}

}  // namespace postern::yaml
