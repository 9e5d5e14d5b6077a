#include "sidecar/relay/relay_metrics.h"

#include <string>

namespace postern::relay {

RelayMetrics::RelayMetrics(metrics::Registry& registry)
    : answered_ok_(registry.AddCounter("postern_relay_answered_records_total",
                                       "Records of own clients by the answer they got.",
                                       {{"outcome", "ok"}})),
      answered_error_(registry.AddCounter("postern_relay_answered_records_total",
                                          "Records of own clients by the answer they got.",
                                          {{"outcome", "error"}})),
      refused(registry.AddCounter("postern_relay_refused_records_total",
                                  "Exports of own clients that were not taken in.")),
      rejected(registry.AddCounter("postern_relay_rejected_records_total",
                                   "Kept records that left for a fault of their body.")),
      redelivered(registry.AddCounter(
          "postern_relay_redelivered_records_total",
          "Records given to a backend that may have taken them before a restart.")),
      reordered(registry.AddCounter(
          "postern_relay_reordered_records_total",
          "Parked records that a backend took in the end, after records of their origin that came "
          "later.")),
      memory_used(
          registry.AddGauge("postern_relay_memory_used_bytes", "Bytes of bodies held in memory.")),
      memory_total(registry.AddGauge("postern_relay_memory_total_bytes",
                                     "Bytes of bodies that may be held: relay.memory.")) {
  for (const record::Signal signal : record::kSignals) {
    const metrics::Labels labels = {{"signal", std::string(record::SignalName(signal))}};
    accepted_[static_cast<std::size_t>(signal)] = {
        .records = &registry.AddCounter("postern_relay_accepted_records_total",
                                        "Records taken in from own clients.", labels),
        .bytes = &registry.AddCounter("postern_relay_accepted_bytes_total",
                                      "Bytes of the bodies taken in from own clients.", labels)};
  }
}

void RelayMetrics::Accepted(record::Signal signal, std::uint64_t bytes) {
  const BySignal& counters = accepted_[static_cast<std::size_t>(signal)];
  counters.records->Increment();
  counters.bytes->Increment(static_cast<double>(bytes));
}

}  // namespace postern::relay
