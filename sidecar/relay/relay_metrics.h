// What a relay took in from its own clients, and what they were answered.
//
// Threads: any.
#pragma once

#include <array>
#include <cstdint>

#include "lib/metrics/registry.h"
#include "sidecar/record/record.h"

namespace postern::relay {

class RelayMetrics {
 public:
  explicit RelayMetrics(metrics::Registry& registry);

  void Accepted(record::Signal signal, std::uint64_t bytes);
  void Answered(bool ok) { (ok ? answered_ok_ : answered_error_).Increment(); }

 private:
  struct BySignal {
    metrics::Counter* records = nullptr;
    metrics::Counter* bytes = nullptr;
  };
  std::array<BySignal, record::kSignals.size()> accepted_;
  metrics::Counter& answered_ok_;
  metrics::Counter& answered_error_;

 public:
  metrics::Counter& refused;      // draining, or no memory in time
  metrics::Counter& rejected;     // kept records that left for a fault of their body
  metrics::Counter& redelivered;  // given to a backend that may have them since before a restart
  metrics::Counter& reordered;    // given to a backend after records that came later
  metrics::Gauge& memory_used;
  metrics::Gauge& memory_total;
};

}  // namespace postern::relay
