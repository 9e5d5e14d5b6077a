#include "lib/yaml/internal/source.h"

namespace postern::yaml {
namespace {

// Returns how many bytes the UTF-8 character at the start of `text` has; 0 where there is none.
// Overlong forms, surrogates and what lies beyond U+10FFFF are none (RFC 3629).
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) >= 0xa0;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool beyond = first == 0xf4 && byte(1) >= 0x90;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

Source::Source(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(i + 1);
  }
}

std::string_view Source::From(Mark mark) const {
  const auto line = static_cast<std::size_t>(mark.line - 1);
  if (line >= starts_.size()) return {};
  const std::size_t at = starts_[line] + static_cast<std::size_t>(mark.column - 1);
  return at < text_.size() ? text_.substr(at) : std::string_view();
}

std::optional<Finding> Source::Refuse() const {
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    const bool last = i + 1 == starts_.size();
    const std::size_t end = last ? text_.size() : starts_[i + 1] - 1;
    std::string_view line = text_.substr(starts_[i], end - starts_[i]);
    if (!last && line.ends_with('\r')) line.remove_suffix(1);
    if (auto finding = RefuseLine(static_cast<int>(i + 1), line)) return finding;
  }
  return std::nullopt;
}

std::optional<Finding> Source::RefuseLine(int number, std::string_view line) const {
  const std::size_t tab = line.find_first_not_of(' ');
  if (tab != std::string_view::npos && line[tab] == '\t') {
    return Finding{{number, static_cast<int>(tab + 1)}, "a tab indents; write spaces"};
  }
  if (line.starts_with('%')) {
    return Finding{{number, 1}, "a directive; this file needs none, remove the line"};
  }
  for (std::size_t i = 0; i < line.size();) {
    const Mark mark{number, static_cast<int>(i + 1)};
    const std::size_t length = Utf8Length(line.substr(i));
    if (length == 0) return Finding{mark, "not UTF-8; save the file as UTF-8"};
    const auto byte = static_cast<unsigned char>(line[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      return Finding{mark, "a control character; remove it"};
    }
    i += length;
  }
  return std::nullopt;
}

bool Source::IsClosed(Mark mark) const {
  const std::string_view rest = From(mark);
  if (rest.empty()) return false;
  const char quote = rest.front();
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (quote == '"' && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == quote) {
      const bool doubled = quote == '\'' && i + 1 < rest.size() && rest[i + 1] == quote;
      if (!doubled) return true;
      ++i;
    }
  }
  return false;
}

}  // namespace postern::yaml
