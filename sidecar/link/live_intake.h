// LiveIntake: what a parent takes in over one child's live lane, and the answers on their way back.
//
//   delivered: answered from the end       kept: answered once our own log has synced it
//
// A record that is kept has no mark: after a lost link the child offers it again, as a possible
// repeat.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/loop.h"
#include "sidecar/lane/batch.h"
#include "sidecar/link/store_intake.h"
#include "sidecar/record/sink.h"
#include "sidecar/store/store.h"

namespace postern::link {

class LiveIntake {
 public:
  struct Hooks {
    std::function<void()> on_answer;  // something is to be flushed, in this turn or the next
    std::function<void(const lane::LiveAck&)> tell;
  };

  // `sink` and `store` outlive it.
  LiveIntake(base::Loop& loop, record::Sink& sink, store::Store& store, std::string child,
             Hooks hooks)
      : loop_(loop),
        sink_(sink),
        store_(store),
        child_(std::move(child)),
        hooks_(std::move(hooks)) {}

  // Takes the records of a batch, to be kept here or delivered. `hold` is let go with the last.
  void Take(std::vector<lane::UnpackedRecord> records, bool keep, const StoreIntake::Hold& hold);
  // Tells what was answered: neighbours with equal answers in one frame.
  void Flush();

  std::size_t unanswered() const { return unanswered_; }

 private:
  void Deliver(lane::UnpackedRecord unpacked, record::Done done);
  void Keep(record::Record record, const record::Done& done);
  void OnAnswer(std::uint64_t number, const record::Answer& answer);

  base::Loop& loop_;
  record::Sink& sink_;
  store::Store& store_;
  const std::string child_;
  const Hooks hooks_;
  lane::LiveAck pending_{.first = 0, .count = 0, .answer = {}};  // a run of equal answers
  std::size_t unanswered_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::link
