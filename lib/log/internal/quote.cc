#include "lib/log/internal/quote.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace postern::log::internal {
namespace {

constexpr char32_t kInvalid = 0xFFFFFFFF;

struct Character {
  char32_t value;
  std::size_t size;
};

unsigned char ByteAt(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// Reads the first character of `text`, which is not empty. Refuses what RFC 3629 refuses: overlong
// forms, surrogates and values beyond U+10FFFF; each such byte is one invalid character.
Character FirstOf(std::string_view text) {
  const unsigned char lead = ByteAt(text, 0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {kInvalid, 1};
  char32_t value = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const unsigned char next = ByteAt(text, i);
    if ((next & 0xC0U) != 0x80) return {kInvalid, 1};
    value = (value << 6U) | (next & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[size] || surrogate || value > 0x10FFFF) return {kInvalid, 1};
  return {value, size};
}

// Whether a terminal or an editor would act on the character instead of showing it.
bool IsActive(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB);
}

void AppendEscaped(char32_t c, std::string& out) {
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out.push_back(kDigits[(c >> shift) & 0xFU]);
}

void AppendCharacter(std::string_view bytes, char32_t c, std::string& out) {
  if (c == kInvalid) {
    out += "\xEF\xBF\xBD";
  } else if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(static_cast<char>(c));
  } else if (IsActive(c)) {
    AppendEscaped(c, out);
  } else {
    out += bytes;
  }
}

}  // namespace

bool IsBare(std::string_view text) {
  if (text.empty() || text.size() > kMostValueBytes) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '=' && c != '\\';
  });
}

void AppendQuoted(std::string_view text, std::string& out) {
  out.push_back('"');
  std::size_t at = 0;
  while (at < text.size()) {
    const Character next = FirstOf(text.substr(at));
    if (at + next.size > kMostValueBytes) break;
    AppendCharacter(text.substr(at, next.size), next.value, out);
    at += next.size;
  }
  if (at < text.size()) {
    out += "\xE2\x80\xA6(+" + std::to_string(text.size() - at) + " bytes)";  // an ellipsis first
  }
  out.push_back('"');
}

}  // namespace postern::log::internal
