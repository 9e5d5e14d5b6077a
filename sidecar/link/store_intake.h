// StoreIntake: what a parent keeps of one child's store: which records came, which are done.
//
// Outlives links: a child that comes back after a reset is told the mark and sends nothing twice.
// Records of one signal are delivered one after the other, in sequence order; a record that cannot
// be delivered is tried again until it can (there is no retry limit).
//
//   floor (acknowledged)      mark (came in)
//     │  done, in order       │  not seen yet
//
// Threads: loop.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "lib/base/backoff.h"
#include "lib/base/loop.h"
#include "sidecar/lane/batch.h"
#include "sidecar/record/sink.h"

namespace postern::link {

class StoreIntake {
 public:
  // Gives credit back when the last record of a batch is done.
  using Hold = std::shared_ptr<void>;
  using OnAck = std::function<void(std::uint64_t through)>;
  // A record left because of a fault of its body (`rejected`), with what the backend said.
  using OnRejected = std::function<void(const record::Record&, const record::Answer&)>;

  StoreIntake(base::Loop& loop, record::Sink& sink, OnRejected on_rejected);

  // A Hello came for this store: every older session ends, its frames count for nothing from now
  // on. Returns the new session's number. Acknowledgements go to `on_ack`.
  std::uint64_t Begin(OnAck on_ack);
  // The link of that session is gone; a newer one may be in force already. Once for each Begin.
  void End(std::uint64_t session);

  // The highest sequence that came in: what Welcome tells.
  std::uint64_t mark() const { return mark_; }
  // Every record up to here is done.
  std::uint64_t floor() const { return floor_; }
  // Whether a link holds it: not to be destroyed then.
  bool connected() const { return links_ > 0; }
  base::Instant last_used() const { return last_used_; }
  std::size_t size() const { return items_.size(); }  // records that are not done
  bool idle() const { return items_.empty(); }

  // Takes the records of a Data frame; those at or below the mark came before and are skipped.
  // False where the session is not the one in force.
  bool Take(std::uint64_t session, std::vector<lane::UnpackedRecord> records, const Hold& hold);

 private:
  struct Item {
    record::RecordPtr record;
    Hold hold;
    bool done = false;
  };

  void Pump(record::Signal signal);
  void OnAnswer(std::uint64_t sequence, record::Signal signal, const record::Answer& answer);
  void Finish(std::uint64_t sequence);
  std::size_t Index(record::Signal signal) const { return static_cast<std::size_t>(signal); }

  base::Loop& loop_;
  record::Sink& sink_;
  OnRejected on_rejected_;
  OnAck on_ack_;
  std::uint64_t session_ = 0;
  std::size_t links_ = 0;
  base::Instant last_used_;
  std::uint64_t mark_ = 0;
  std::uint64_t floor_ = 0;
  std::map<std::uint64_t, Item> items_;  // by sequence
  struct Line {
    std::deque<std::uint64_t> waiting;
    bool delivering = false;
    bool pumping = false;
    base::Timer retry;
    base::Backoff backoff{
        {.first = std::chrono::milliseconds(100), .most = std::chrono::seconds(30)}, 1};
  };
  std::array<Line, record::kSignals.size()> lines_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::link
