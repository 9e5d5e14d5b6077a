// Makes one request of several records.
//
// Threads: any.
#pragma once

#include <vector>

#include "sidecar/record/record.h"

namespace postern::relay {

// Returns a record with the bodies of all, one behind the other; else as the first. Requires one.
//
// Protobuf messages are merged by writing one behind the other: repeated fields add up
// (https://protobuf.dev/programming-guides/encoding/#last-one-wins).
record::RecordPtr Merge(const std::vector<record::RecordPtr>& records);

}  // namespace postern::relay
