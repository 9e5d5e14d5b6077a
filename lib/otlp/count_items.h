// CountItems: how many log records, data points or spans an export holds.
//
//   ASSIGN_OR_RETURN(const std::size_t items, CountItems(Signal::kMetrics, body));
//
// Threads: any.
#pragma once

#include <cstddef>
#include <string_view>

#include "lib/base/result.h"
#include "lib/otlp/signal.h"

namespace postern::otlp {

// Looks only as deep as it must and takes no memory. kInvalid: no protobuf on the way there; what
// is inside of the items is not looked at.
base::Result<std::size_t> CountItems(Signal signal, std::string_view protobuf);

}  // namespace postern::otlp
