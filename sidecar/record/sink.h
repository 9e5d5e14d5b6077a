// Sink: takes records and tells what became of each. What a door hands to, whatever lies behind it.
//
// Threads: loop.
#pragma once

#include <functional>

#include "lib/base/clock.h"
#include "sidecar/record/answer.h"
#include "sidecar/record/record.h"

namespace postern::record {

using Done = std::function<void(Answer)>;

class Sink {
 public:
  virtual ~Sink() = default;

  // Takes the record; calls `done` exactly once, perhaps before returning, at the latest soon after
  // `deadline`. kUnavailable then means: the outcome is unknown.
  virtual void Deliver(RecordPtr record, base::Instant deadline, Done done) = 0;
};

}  // namespace postern::record
