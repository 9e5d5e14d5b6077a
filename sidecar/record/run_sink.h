// RunSink: takes the records of a store in runs, and takes none twice. What a relay's own log hands
// to a backend that can tell afterwards what it has, which a remote one cannot.
//
//   sink.Take(std::make_shared<const Run>(Run{.store = store.id(), .records = …}), OnAnswer);
//
// Once a run is answered with OK, its records survive a kill and a power cut. After any other end
// the same records come again: by then the sink knows which of them it has.
//
// Threads: loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "sidecar/record/answer.h"
#include "sidecar/record/record.h"

namespace postern::record {

struct Run {
  struct Item {
    std::uint64_t sequence = 0;  // in `store`
    RecordPtr record;
  };

  Signal signal = Signal::kLogs;  // of all its records
  StoreId store{};
  // The last sequence that the store had when this process opened it. A sink that has records above
  // it from before knows a later state of the store than there is: those are other records now.
  std::uint64_t opened_through = 0;
  std::vector<Item> records;  // rising; without any the sink only gets ready
};

using RunPtr = std::shared_ptr<const Run>;

struct RunAnswer {
  struct Rejected {
    std::size_t index = 0;  // in Run::records
    Answer answer;          // kInvalidArgument: a fault of its body
  };

  Answer whole;  // unless OK: the sink has nothing of the run that it had not before
  std::vector<Rejected> rejected;
};

using RunDone = std::function<void(RunAnswer)>;

class RunSink {
 public:
  virtual ~RunSink() = default;

  // Takes the run; calls `done` exactly once, perhaps before returning. A record at or below the
  // highest sequence that it has of the store is not written again; its body is judged as ever.
  // Runs of a signal come one after the other, each when the one before was answered.
  virtual void Take(RunPtr run, RunDone done) = 0;
};

}  // namespace postern::record
