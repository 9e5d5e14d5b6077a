// A log line as text. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lib/base/clock.h"
#include "lib/log/logger.h"

namespace postern::log::internal {

// Where the level word stands in a text line: after "2026-11-21T08:27:07.123Z ".
inline constexpr std::size_t kLevelStart = 25;
inline constexpr std::size_t kLevelWidth = 5;

// Returns the line without its end; it holds no control byte and is UTF-8, whatever the values are.
std::string Line(Format format, base::WallTime time, Level level, Message message,
                 std::span<const Field> fields);

}  // namespace postern::log::internal
