#include "sidecar/store/store_metrics.h"

#include <limits>

#include "lib/base/check.h"

namespace postern::store {

using queue::Reason;

StoreMetrics::StoreMetrics(metrics::Registry& registry)
    : appended(registry.AddCounter("postern_queue_appended_records_total",
                                   "Records that were synced to the queue's log.")),
      refused(
          registry.AddCounter("postern_queue_refused_records_total",
                              "Records that the queue did not take: full, or its disk failed.")),
      damaged(registry.AddCounter("postern_queue_damaged_ranges_total",
                                  "Ranges of the queue's log that could not be read back.")),
      expired(registry.AddCounter("postern_queue_expired_records_total",
                                  "Records that left a reader of the queue for their age.")),
      evicted(registry.AddCounter("postern_queue_evicted_records_total",
                                  "Records that left a reader of the queue to make room.")),
      rejected(registry.AddCounter(
          "postern_queue_rejected_records_total",
          "Records that left a reader of the queue for a fault of their body.")),
      abandoned(registry.AddCounter("postern_queue_abandoned_records_total",
                                    "Records whose reader of the queue was removed.")),
      sync_errors(registry.AddCounter("postern_queue_sync_errors_total",
                                      "Writes and syncs of the queue's log that failed.")),
      sync_seconds(registry.AddHistogram(
          "postern_queue_sync_seconds", "How long a sync of the queue's log took.", {},
          {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5})),
      bytes(registry.AddGauge("postern_queue_bytes", "Bytes on disk that the queue's log takes.")),
      max_bytes(registry.AddGauge("postern_queue_max_bytes",
                                  "Bytes on disk that the queue's log may take.")),
      oldest_age_seconds(registry.AddGauge(
          "postern_queue_oldest_age_seconds",
          "Age of the oldest record that some reader of the queue still needs; 0 where none is.")),
      full_in_seconds(registry.AddGauge("postern_queue_full_in_seconds",
                                        "Until the queue is full, at the net growth of the last "
                                        "minute; 0 where it is, +Inf where "
                                        "it does not grow.")),
      over_share(registry.AddGauge(
          "postern_queue_over_share_children",
          "Children, own clients as one, that hold their share of a queue more than half full: "
          "nothing more is taken from them.")),
      dead_letters(registry.AddCounter("postern_dead_letter_records_total",
                                       "Records that were rejected and are kept for people.")),
      dead_letter_errors(registry.AddCounter(
          "postern_dead_letter_errors_total",
          "Openings, writes and syncs of the dead letters' log that failed, and are tried again.")),
      dead_letter_bytes(registry.AddGauge("postern_dead_letter_bytes",
                                          "Bytes on disk that the dead letters' log takes.")) {
  full_in_seconds.Set(std::numeric_limits<double>::infinity());
}

metrics::Counter& StoreMetrics::LeftBy(Reason reason) {
  switch (reason) {
    case Reason::kExpired: return expired;
    case Reason::kEvicted: return evicted;
    case Reason::kRejected: return rejected;
    case Reason::kAbandoned: return abandoned;
    case Reason::kDamaged:
    case Reason::kResent:
    case Reason::kRedelivered: break;
  }
  CHECK(false, "a note is of records that stay or are damaged");
}

}  // namespace postern::store
