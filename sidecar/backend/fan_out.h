// FanOut: several backends as one. A record is delivered when every backend of its signal has it.
//
//   FanOut backends({collector.get(), file.get()});
//   backends.Deliver(record, deadline, done);   // one answer, after the last backend's
//
// Threads: loop.
#pragma once

#include <array>
#include <vector>

#include "sidecar/backend/backend.h"

namespace postern::backend {

// Returns the one of two backends' answers that the client has to act on, `first` where they weigh
// the same: what may pass later outweighs what never will, a refusal of the sender outweighs a
// fault of the body, and any refusal outweighs OK. A client that drops the data because one backend
// dislikes it must not do so while another only wants to be asked again. Of two OK the first with a
// response (a partial success).
record::Answer Heavier(record::Answer first, record::Answer second);

class FanOut final : public record::Sink {
 public:
  // The backends outlive it.
  explicit FanOut(const std::vector<Backend*>& backends);

  bool accepts(record::Signal signal) const {
    return !takers_[static_cast<std::size_t>(signal)].empty();
  }

  // kUnimplemented where no backend accepts the signal. A repeat of a refused record reaches every
  // backend again, also those that took it: who sends again knows of one answer only.
  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override;

 private:
  struct Gathering;

  std::array<std::vector<Backend*>, record::kSignals.size()> takers_;
};

}  // namespace postern::backend
