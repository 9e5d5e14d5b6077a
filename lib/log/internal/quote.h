// Text from outside as a quoted string that is safe in a log: valid JSON, and a terminal shows it
// as it is. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::log::internal {

// What is longer is cut here (at a whole character), and a mark tells how much is missing.
inline constexpr std::size_t kMostValueBytes = 1024;

// Whether `text` needs no quotes in key=value: printable ASCII without space, quote, = or
// backslash.
bool IsBare(std::string_view text);

// Appends `text` in double quotes. Escaped as \n, \t, \r, \", \\ or \uXXXX: control characters (C0,
// DEL, C1), line and paragraph separators, and the marks that turn the direction of text (with
// which a line shows something else than it says). A byte that is not UTF-8 becomes U+FFFD.
void AppendQuoted(std::string_view text, std::string& out);

}  // namespace postern::log::internal
