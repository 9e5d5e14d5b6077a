// The figures of a relay's store. Every series is there at zero from the start.
//
// Threads: any.
#pragma once

#include "lib/metrics/registry.h"
#include "lib/queue/ledger.h"

namespace postern::store {

struct StoreMetrics {
  explicit StoreMetrics(metrics::Registry& registry);

  // Of a reason by which records leave that were not passed on and are whole.
  metrics::Counter& LeftBy(queue::Reason reason);

  metrics::Counter& appended;  // records, once they are synced
  metrics::Counter& refused;   // records: the disk failed, or is full
  metrics::Counter& damaged;   // ranges that could not be read back
  // Records, each for every reader that it left.
  metrics::Counter& expired;
  metrics::Counter& evicted;
  metrics::Counter& rejected;
  metrics::Counter& abandoned;
  metrics::Counter& sync_errors;  // writes and syncs that failed
  metrics::Histogram& sync_seconds;
  metrics::Gauge& bytes;      // that the log takes
  metrics::Gauge& max_bytes;  // that it may take
  metrics::Gauge& oldest_age_seconds;
  metrics::Gauge& full_in_seconds;
  metrics::Gauge& over_share;
  // Of the log beside it (dead_letters.h).
  metrics::Counter& dead_letters;
  metrics::Counter& dead_letter_errors;
  metrics::Gauge& dead_letter_bytes;
};

}  // namespace postern::store
