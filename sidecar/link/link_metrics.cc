#include "sidecar/link/link_metrics.h"

namespace postern::link {

LinkMetrics::LinkMetrics(metrics::Registry& registry)
    : connected(registry.AddGauge("postern_link_connected",
                                  "Whether a link to a parent carries records: 1 or 0.")),
      children(registry.AddGauge("postern_link_children", "Links of children, in any state.")),
      turned_away(registry.AddCounter("postern_link_turned_away_total",
                                      "Sockets closed before TLS because a limit was reached.")),
      refused(registry.AddCounter("postern_link_refused_total",
                                  "Peers refused after TLS: not believed or not registered.")),
      received_records(registry.AddCounter("postern_link_received_records_total",
                                           "Records that children sent.")),
      received_bytes(registry.AddCounter("postern_link_received_bytes_total",
                                         "Bytes of the bodies that children sent.")),
      live_answered(registry.AddCounter("postern_link_answered_records_total",
                                        "Live records that the parent answered.")),
      resent(registry.AddCounter("postern_link_resent_records_total",
                                 "Records sent again because a link was lost before they were "
                                 "answered.")),
      rejected(registry.AddCounter("postern_link_rejected_records_total",
                                   "Stored records that left for a fault of their body.")) {}

}  // namespace postern::link
