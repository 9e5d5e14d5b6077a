// For table tests of the bootstrap file: a good file with one edit, and what Parse says of it.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "sidecar/config/load.h"

namespace postern::config {

// One row: `good` with its first `from` replaced by `to` has exactly the problems `then`, one a
// line.
struct Edit {
  const char* when;
  std::string_view from;
  std::string to;
  std::string then;
};

inline std::string Edited(std::string_view good, std::string_view from, std::string_view to) {
  std::string text(good);
  const std::size_t at = text.find(from);
  CHECK(at != std::string::npos, "an edit changes what is there");
  return text.replace(at, from.size(), to);
}

// Returns the problems of `text`, or "none".
inline std::string ProblemsOf(std::string_view text) {
  const auto config = Parse(text, "x.yaml", "");
  return config ? "none" : config.error().message();
}

}  // namespace postern::config
