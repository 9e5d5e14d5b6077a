#include "lib/otlp/internal/schema.h"

#include "lib/base/check.h"
#include "lib/otlp/otlp.pb.h"

namespace postern::otlp::internal {

const Descriptor& RequestOf(Signal signal) {
  switch (signal) {
    case Signal::kLogs: return *wire::ExportLogsRequest::descriptor();
    case Signal::kMetrics: return *wire::ExportMetricsRequest::descriptor();
    case Signal::kTraces: return *wire::ExportTraceRequest::descriptor();
  }
  CHECK(false, "there are three signals");
}

bool IsHexId(const FieldDescriptor& field) {
  return field.name() == "trace_id" || field.name() == "span_id" ||
         field.name() == "parent_span_id";
}

}  // namespace postern::otlp::internal
