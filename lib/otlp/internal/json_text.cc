#include "lib/otlp/internal/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace postern::otlp::internal {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xFF;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::uint32_t Byte(char c) { return static_cast<unsigned char>(c); }

bool IsPlain(char c) { return Byte(c) >= 0x20 && Byte(c) < 0x80 && c != '"' && c != '\\'; }

// Returns how many bytes the UTF-8 character at the start of `text` has; 0 where there is none, be
// it for a surrogate, an overlong form or a number beyond U+10FFFF (RFC 3629, section 4).
std::size_t CharacterSize(std::string_view text) {
  const std::uint32_t lead = Byte(text[0]);
  const std::size_t size = lead < 0xC2   ? 0
                           : lead < 0xE0 ? 2
                           : lead < 0xF0 ? 3
                           : lead < 0xF5 ? 4
                                         : 0;
  if (size == 0 || text.size() < size) return 0;
  const std::uint32_t second = Byte(text[1]);
  const std::uint32_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint32_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (second < least || second > most) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((Byte(text[i]) & 0xC0) != 0x80) return 0;
  }
  return size;
}

void AppendEscaped(char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      out += "\\u00";
      out += kHexDigits[Byte(c) >> 4];
      out += kHexDigits[Byte(c) & 15];
  }
}

constexpr std::array<std::uint8_t, 256> MakeBase64Values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kBase64Digits.size(); ++i) {
    values[static_cast<unsigned char>(kBase64Digits[i])] = static_cast<std::uint8_t>(i);
  }
  values['-'] = 62;
  values['_'] = 63;
  return values;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void AppendText(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && IsPlain(text[plain])) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    std::size_t used = 1;
    if (Byte(text[0]) < 0x80) {
      AppendEscaped(text[0], out);
    } else if (const std::size_t size = CharacterSize(text); size > 0) {
      out.append(text.substr(0, size));
      used = size;
    } else {
      out.append(kReplacement);
    }
    text.remove_prefix(used);
  }
  out += '"';
}

void AppendHex(std::string_view bytes, std::string& out) {
  out += '"';
  for (const char c : bytes) {
    out += kHexDigits[Byte(c) >> 4];
    out += kHexDigits[Byte(c) & 15];
  }
  out += '"';
}

void AppendBase64(std::string_view bytes, std::string& out) {
  out += '"';
  for (; !bytes.empty(); bytes.remove_prefix(bytes.size() < 3 ? bytes.size() : 3)) {
    std::uint32_t bits = Byte(bytes[0]) << 16;
    if (bytes.size() > 1) bits |= Byte(bytes[1]) << 8;
    if (bytes.size() > 2) bits |= Byte(bytes[2]);
    out += kBase64Digits[bits >> 18];
    out += kBase64Digits[bits >> 12 & 63];
    out += bytes.size() > 1 ? kBase64Digits[bits >> 6 & 63] : '=';
    out += bytes.size() > 2 ? kBase64Digits[bits & 63] : '=';
  }
  out += '"';
}

void AppendDouble(double number, std::string& out) {
  if (std::isnan(number)) {
    out += "\"NaN\"";
  } else if (std::isinf(number)) {
    out += number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else if (number == 0 && std::signbit(number)) {
    out += "-0.0";  // many readers take "-0" for the integer 0
  } else {
    std::array<char, 32> digits{};  // 24 are the most that any needs
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.append(digits.data(), end.ptr);
  }
}

std::optional<std::string> ReadHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::optional<std::string> ReadBase64(std::string_view text) {
  static constexpr std::array<std::uint8_t, 256> kValues = MakeBase64Values();
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::uint32_t value = kValues[Byte(c)];
    if (value == kNoDigit) return std::nullopt;
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xFF);
    }
  }
  return bytes;
}

std::optional<double> ReadDouble(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return kInfinity;
  if (text == "-Infinity") return -kInfinity;
  double number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  // from_chars knows spellings of its own for the three, which JSON does not.
  const bool whole = end.ec == std::errc() && end.ptr == text.data() + text.size();
  return whole && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

}  // namespace postern::otlp::internal
