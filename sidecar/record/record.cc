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

RecordPtr AsPossibleRepeat(const RecordPtr& record) {
  if (record->possible_repeat) return record;
  Record again = *record;
  again.possible_repeat = true;
  return std::make_shared<const Record>(std::move(again));
}

}  // namespace postern::record
