// RunFeed: delivers what a store keeps of one signal to a sink that takes runs, and so repeats
// nothing. For other backends: BackendFeed.
//
// One run at a time, in order. What the sink does not take is tried again until it does: only a
// fault of the body ends a record otherwise (`rejected`, once it is with the dead letters: the run
// is out until then).
//
//   floor                      position
//     │ the run: out, or again │ not looked at │
//
// Threads: loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/backoff.h"
#include "sidecar/record/run_sink.h"
#include "sidecar/relay/backend_feed.h"
#include "sidecar/relay/feed_status.h"
#include "sidecar/store/reader.h"

namespace postern::relay {

class RunFeed {
 public:
  struct Options {
    std::string backend;
    record::Signal signal = record::Signal::kLogs;
    // Of one run; a larger record goes alone.
    std::uint64_t most_bytes = std::uint64_t{1} << 20;
    std::size_t most_records = 4096;
    std::optional<std::uint64_t> max_behind = {};  // as ReaderOptions have it
  };

  // `store` and `sink` outlive the feed. Its cursor has the name that a BackendFeed's would have.
  // Fails as Reader::Make does.
  static base::Result<std::unique_ptr<RunFeed>> Make(const BackendFeed::Env& env,
                                                     store::Store& store, record::RunSink& sink,
                                                     Options options);
  ~RunFeed();

  // Whether the sink is done with everything that is kept of its signal.
  bool empty() const { return steps_.empty() && reader_->position() >= reader_->end(); }

 private:
  // What is said to the store in one call once the run is answered.
  struct Step {
    store::Kept kept;                 // its record null: others' records, up to this sequence
    std::optional<store::Left> left;  // how it leaves, unless the sink takes it
  };

  RunFeed(const BackendFeed::Env& env, store::Store& store, std::unique_ptr<store::Reader> reader,
          record::RunSink& sink, Options options);

  void PumpSoon();
  void Pump();
  bool Advance();
  void Collect();
  void Pass(std::uint64_t sequence);
  void DropOld();
  bool Send();
  void OnAnswer(const record::RunAnswer& answer);
  void KeepLetter(std::size_t step, const record::Answer& answer);
  void Reject(Step& step, const record::Answer& answer);
  void EndRun();
  bool SaySteps();

  const BackendFeed::Env env_;
  store::Store& store_;
  std::unique_ptr<store::Reader> reader_;
  record::RunSink& sink_;
  const Options options_;
  const std::uint64_t opened_through_;
  std::uint64_t said_;  // what the store was told of
  std::deque<Step> steps_;
  std::vector<std::size_t> sent_;  // the step of each record of the run that is out
  bool answered_ = true;           // the steps can be said
  bool out_ = false;
  std::size_t letters_out_ = 0;  // of the run: rejected, and not kept yet
  bool met_ = false;             // the sink has answered once
  bool pumping_ = false;
  FeedStatus status_;
  base::Backoff backoff_{{}, 1};
  base::Timer retry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::relay
