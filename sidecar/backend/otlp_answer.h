// What an OTLP endpoint said, as an answer: the one table from gRPC's codes to ours.
//
// Threads: any.
#pragma once

#include <string_view>

#include "lib/rpc/unary_channel.h"
#include "sidecar/record/answer.h"
#include "sidecar/record/record.h"

namespace postern::backend {

// Returns the method of OTLP that takes this signal:
// "/opentelemetry.proto.collector.logs.v1.LogsService/Export".
std::string_view ExportMethod(record::Signal signal);

// Returns the answer of backend `name` (for the message).
//
// A passed deadline is kUnavailable: the outcome is unknown. A code that an Answer does not have is
// the one that makes a client do the same. Of a response that is no partial success, or is longer
// than an answer may be on its way back, only the OK and the count remain.
record::Answer ToAnswer(std::string_view name, rpc::UnaryResult result);

}  // namespace postern::backend
