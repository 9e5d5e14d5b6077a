// What both directions of the JSON mapping must agree on beyond the names and types of otlp.proto.
//
// Threads: any.
#pragma once

#include <google/protobuf/descriptor.h>

#include "lib/otlp/signal.h"

namespace postern::otlp::internal {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// How many messages may stand inside of each other: protobuf's own limit, which is what keeps a
// value of lists in lists from using up the stack, here and at whoever reads it next.
inline constexpr int kMostDepth = 100;

// Returns the message that an export of this signal is.
const Descriptor& RequestOf(Signal signal);

// Whether the field is a trace's or a span's id, the bytes that OTLP/JSON has in hex, not in
// base64.
bool IsHexId(const FieldDescriptor& field);

}  // namespace postern::otlp::internal
