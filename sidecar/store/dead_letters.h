// DeadLetters: the records that are passed on to nobody for a fault of their own, kept for people.
//
// A log beside the queue, of the same format, so the same tools read it. Its one cursor has no
// reader and holds everything; where room is short it lets go of the oldest.
//
//   letters.Keep(record, "uplink", "an export of 5 MiB; …", [this](const Status& kept) { Drop();
//   });
//
// Whoever drops a record from the queue keeps it here first: after a crash between the two it may
// be here twice. A disk that fails is tried again until it takes the letters, and those who wait
// hold their record meanwhile.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/store/store.h"

namespace postern::store {

class DeadLetters {
 public:
  struct Options {
    std::string folder;
    std::uint64_t max_bytes = std::uint64_t{64} << 20;
  };
  // Called once, in a turn of its own: with OK when the letter is synced; with kInvalid where it is
  // too large for the log, so that only the queue's ledger tells of it.
  using Then = std::function<void(const base::Status&)>;

  // The metadata of a letter ends with this name and "reader: why", of at most kMostWhy bytes.
  // A record that has as much metadata as it may have goes without.
  static constexpr std::string_view kWhyName = "postern-dead-letter";
  static constexpr std::size_t kMostWhy = 256;

  // The bytes to bound the log by, beside a queue of `queue_bytes`: 64 MiB or a sixteenth of the
  // queue, whichever is less, but room for three of the largest records.
  static std::uint64_t MaxBytes(std::uint64_t queue_bytes, std::uint64_t max_record);

  // Opens the log in the background. The env's cursor worker and budget are not used.
  DeadLetters(const StoreEnv& env, Options options);
  // Nobody is told any more.
  ~DeadLetters();

  // `reader` is the cursor that the record leaves.
  void Keep(record::RecordPtr record, std::string_view reader, std::string_view why, Then then);
  // Letters that are not synced yet.
  std::size_t waiting() const { return waiting_.size() + appended_.size(); }

 private:
  struct Letter {
    record::RecordPtr record;
    std::string head;
    Then then;
    std::uint64_t sequence = 0;
  };
  struct Opening;
  struct Sync;

  void Tick();
  void PumpSoon();
  void Pump();
  void Open();
  void OnOpened(Opening& opening);
  void AppendAll();
  void MakeRoom();
  void OnDone(Sync& sync);
  void Failed(const base::Error& why);
  void Tell(Letter&& letter, const base::Status& kept);

  StoreEnv env_;
  const Options options_;
  std::unique_ptr<queue::Log> log_;  // null until it is open
  std::deque<Letter> waiting_;
  std::deque<Letter> appended_;  // and not synced
  bool out_ = false;             // something is at the worker
  bool pump_scheduled_ = false;
  base::Instant quiet_until_;  // after a failure
  base::Instant room_due_;     // room was made, and comes until then
  log::Repeated failed_;
  base::Timer tick_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::store
