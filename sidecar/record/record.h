// Record: one export on its way. Its body is opaque from the door to the backend.
//
// Threads: immutable (shared as std::shared_ptr<const Record> once made).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/bytes.h"

namespace postern::record {

enum class Signal : std::uint8_t { kLogs = 0, kMetrics = 1, kTraces = 2 };
inline constexpr std::array kSignals = {Signal::kLogs, Signal::kMetrics, Signal::kTraces};

// Returns "logs", "metrics" or "traces": the word in resources, metrics and logs.
std::string_view SignalName(Signal signal);

// A store is one queue folder, or one run of a relay that keeps its queue in memory: 128 random
// bits.
using StoreId = std::array<std::uint8_t, 16>;

// Header names (lower case) and values that a client sent along and a backend receives, in order.
using Metadata = std::vector<std::pair<std::string, std::string>>;

// Who accepted the record first. `sequence` rises within a store; gaps are allowed.
struct Origin {
  std::string member;  // host of the accepting relay
  StoreId store{};
  std::uint64_t sequence = 0;

  bool operator==(const Origin&) const = default;
};

struct Record {
  Signal signal = Signal::kLogs;
  Metadata metadata;
  Origin origin;
  std::uint8_t hops = 0;         // links passed so far; at most 8
  bool possible_repeat = false;  // another store may have it too
  base::Bytes body;              // an OTLP Export…ServiceRequest, protobuf, not compressed

  bool operator==(const Record&) const = default;
};

using RecordPtr = std::shared_ptr<const Record>;

// Returns the record itself where it says so already, else a copy that shares its body.
RecordPtr AsPossibleRepeat(const RecordPtr& record);

}  // namespace postern::record
