// MemoryOutbox: an outbox with a queue in memory, for tests that need a relay and no parent.
//
// Threads: loop.
#pragma once

#include "sidecar/link/memory_queue.h"

namespace postern::relay {

struct MemoryOutbox {
  explicit MemoryOutbox(record::MemoryBudget& budget) : stored(record::StoreId{1}, budget) {}

  link::MemoryQueue stored;
  link::Outbox outbox{.live = {}, .stored = stored};
};

}  // namespace postern::relay
