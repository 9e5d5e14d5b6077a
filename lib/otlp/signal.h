// Signal: which of OTLP's three exports some bytes are.
//
// Threads: immutable.
#pragma once

#include <cstdint>

namespace postern::otlp {

enum class Signal : std::uint8_t { kLogs = 0, kMetrics = 1, kTraces = 2 };

}  // namespace postern::otlp
