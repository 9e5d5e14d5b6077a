// What gRPC clients read of a refusal: the trailers grpc-message and grpc-status-details-bin.
//
// OTLP clients drop data that is refused with RESOURCE_EXHAUSTED unless a RetryInfo comes with it
// (https://opentelemetry.io/docs/specs/otlp/#failures), so it is written here whenever a wait is
// told.
//
// Threads: immutable.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/record/answer.h"

namespace postern::service {

// Escapes for grpc-message: printable ASCII stays, the rest and '%' become %XX.
std::string PercentEncode(std::string_view text);

// google.rpc.Status with a RetryInfo, in base64 without padding: grpc-status-details-bin.
std::string RetryDetails(const record::Answer& answer);

}  // namespace postern::service
