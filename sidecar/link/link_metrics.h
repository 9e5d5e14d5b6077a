// The figures of all links of a relay. Every series is there at zero from the start.
//
// Threads: any.
#pragma once

#include "lib/metrics/registry.h"

namespace postern::link {

struct LinkMetrics {
  explicit LinkMetrics(metrics::Registry& registry);

  metrics::Gauge& connected;  // to the parent
  metrics::Gauge& children;
  metrics::Counter& turned_away;       // sockets, before TLS
  metrics::Counter& refused;           // peers, after TLS
  metrics::Counter& received_records;  // from children
  metrics::Counter& received_bytes;
  metrics::Counter& live_answered;  // by the parent
  metrics::Counter& resent;         // the first link was lost before they were answered
  metrics::Counter& rejected;       // stored records, for a fault of the body
};

}  // namespace postern::link
