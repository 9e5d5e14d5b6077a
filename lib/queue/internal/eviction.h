// What it would take from each cursor to be done with a segment.
//
// Threads: the log's.
#pragma once

#include <vector>

#include "lib/base/result.h"
#include "lib/queue/log.h"
#include "lib/queue/log_reader.h"

namespace postern::queue::internal {

// Returns, for each cursor whose floor is below the segment's last sequence, what of it is not
// done and needed. All that is in lower segments is. kUnavailable where the disk cannot be read.
base::Result<std::vector<Evicted>> CountUndone(LogReader& reader, const CursorTable& cursors,
                                               const SegmentPart& segment, const Log::Needs& needs);

}  // namespace postern::queue::internal
