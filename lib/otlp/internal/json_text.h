// How single values look in OTLP/JSON: text, bytes and numbers, to and from.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::otlp::internal {

// Appends `text` in quotes. Each byte that belongs to no UTF-8 character becomes U+FFFD.
void AppendText(std::string_view text, std::string& out);
// Appends `bytes` in quotes.
void AppendHex(std::string_view bytes, std::string& out);
void AppendBase64(std::string_view bytes, std::string& out);
// Appends the shortest number that reads back equal, or "NaN", "Infinity" or "-Infinity" in quotes.
void AppendDouble(double number, std::string& out);

// Each returns nothing where `text` is not of its form.
std::optional<std::string> ReadHex(std::string_view text);
// Takes the alphabets of both "base64" and "base64url" (RFC 4648), with or without padding.
std::optional<std::string> ReadBase64(std::string_view text);
// Takes a decimal number or one of AppendDouble's three words.
std::optional<double> ReadDouble(std::string_view text);

}  // namespace postern::otlp::internal
