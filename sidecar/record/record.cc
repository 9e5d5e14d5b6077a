#include "sidecar/record/record.h"

namespace postern::record {

std::string_view SignalName(Signal signal) {
  switch (signal) {
    case Signal::kLogs: return "logs";
    case Signal::kMetrics: return "metrics";
    case Signal::kTraces: return "traces";
  }
  return "unknown";
}

}  // namespace postern::record
