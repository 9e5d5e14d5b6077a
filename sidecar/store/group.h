// Group: the records of one sync of the log, or what of them was read back, as readers share them.
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sidecar/record/record.h"

namespace postern::store {

struct Kept {
  std::uint64_t sequence = 0;
  std::uint64_t age = 0;  // the log's, in ms, when it came
  record::RecordPtr record;
};

// Everything that the store keeps in (after, through]; records may be missing that were damaged.
struct Group {
  std::uint64_t after = 0;
  std::uint64_t through = 0;
  std::vector<Kept> records;  // rising
  std::uint64_t bytes = 0;    // what they take in memory
};

using GroupPtr = std::shared_ptr<const Group>;

}  // namespace postern::store
