// What gRPC clients read of a refusal beside its sentence: the trailer grpc-status-details-bin.
//
// OTLP clients drop data that is refused with RESOURCE_EXHAUSTED unless a RetryInfo comes with it
// (https://opentelemetry.io/docs/specs/otlp/#failures), so it is written here whenever a wait is
// told.
//
// Threads: immutable.
#pragma once

#include <string>

#include "sidecar/record/answer.h"

namespace postern::service {

// google.rpc.Status with a RetryInfo, in base64 without padding: grpc-status-details-bin.
std::string RetryDetails(const record::Answer& answer);

}  // namespace postern::service
