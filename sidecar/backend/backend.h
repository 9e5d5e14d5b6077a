// Backend: where a management server delivers. One place, some signals.
//
// It repeats nothing: who hands over a record decides what becomes of one that was refused. An
// answer is counted and, where it is a refusal, logged here and nowhere else.
//
//   std::unique_ptr<Backend> none = std::make_unique<DiscardBackend>(about, env);
//   if (none->accepts(record->signal)) none->Deliver(record, deadline, done);
//
// Destroyed when nobody waits for its answers any more: calls under way end without one.
//
// Threads: loop.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "lib/base/loop.h"
#include "lib/log/logger.h"
#include "lib/log/repeated.h"
#include "lib/metrics/registry.h"
#include "sidecar/backend/backend_metrics.h"
#include "sidecar/record/sink.h"

namespace postern::backend {

struct SignalSet {
  bool logs = true;
  bool metrics = true;
  bool traces = true;

  bool Has(record::Signal signal) const;
};

// What every backend has.
struct About {
  std::string name;  // of the resource; a label in metrics and a key in logs
  SignalSet signals = {};
};

// The tools of the relay's thread; they outlive the backend.
struct BackendEnv {
  base::Loop& loop;
  log::Logger& log;
  metrics::Registry& registry;
};

class Backend : public record::Sink {
 public:
  const std::string& name() const { return about_.name; }
  // Whether Deliver may be called with records of this signal.
  bool accepts(record::Signal signal) const { return about_.signals.Has(signal); }

 protected:
  Backend(About about, const BackendEnv& env);

  // The one way in which a record leaves: counts the answer, logs a refusal, calls `done`.
  void Settle(const record::Record& record, record::Answer answer, const record::Done& done);

  // What a record that waits counts for: its body, and 1 KiB for all that goes with it.
  static std::size_t CostOf(const record::Record& record) { return record.body.size() + 1024; }
  // kUnavailable, in the backend's name.
  record::Answer Unavailable(std::string_view why,
                             std::chrono::milliseconds retry_after = {}) const;

  // kResourceExhausted with a time to come again, in the backend's name: its queue is full.
  record::Answer Full(std::string_view what_not) const;

  base::Loop& loop() { return loop_; }
  BackendMetrics& metrics() { return metrics_; }

 private:
  void LogRefusal(const record::Record& record, const record::Answer& answer);

  const About about_;
  base::Loop& loop_;
  BackendMetrics metrics_;
  log::Repeated refused_;
  log::Repeated recovered_;
  bool refuses_ = false;  // the last answer was one that holds records back
};

}  // namespace postern::backend
