#include "lib/pki/host_name.h"

#include <algorithm>

namespace postern::pki {
namespace {

constexpr std::size_t kMostBytes = 253;
constexpr std::size_t kMostLabelBytes = 63;

// Not std::tolower: names are ASCII whatever the locale.
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsLabelCharacter(char c) {
  const char lower = Lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMostLabelBytes && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, IsLabelCharacter);
}

}  // namespace

bool IsHostName(std::string_view text) {
  if (text.size() > kMostBytes) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!IsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool SameHostName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

std::string LowerHostName(std::string_view host) {
  std::string result(host);
  std::ranges::transform(result, result.begin(), Lower);
  return result;
}

std::string Printable(std::string_view text) {
  std::string result(text.substr(0, kMostBytes));
  std::ranges::replace_if(
      result, [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

}  // namespace postern::pki
