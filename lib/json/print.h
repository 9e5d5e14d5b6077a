// Print: a Value as JSON text.
//
//   Print(Object{{"port", 5723}})                    // {"port":5723}
//   Print(value, Layout::kIndented)                  // one member a line, two spaces deep
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>

#include "lib/json/value.h"

namespace postern::json {

enum class Layout : std::uint8_t { kCompact, kIndented };

// Returns text that Parse reads back as the same Value, without a line break at its end. Bytes that
// are no UTF-8 become U+FFFD and numbers that JSON does not have (NaN, infinity) become null.
std::string Print(const Value& value, Layout layout = Layout::kCompact);

}  // namespace postern::json
