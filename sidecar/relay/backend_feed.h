// BackendFeed: delivers what a store keeps of one signal to one backend.
//
// Records of one origin go one request after the other, in order; several origins side by side.
// What the backend does not take is tried again until it does: only a fault of the body ends a
// record otherwise (`rejected`, once it is with the dead letters), or a policy: its age, or
// max_behind. One that it refuses while it takes those behind is parked (origin_line.h).
//
//   floor                         position
//     │ done │ in flight │ waiting │ not looked at │
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/backoff.h"
#include "lib/base/loop.h"
#include "lib/log/logger.h"
#include "sidecar/record/sink.h"
#include "sidecar/relay/feed_status.h"
#include "sidecar/relay/origin_line.h"
#include "sidecar/relay/parked_records.h"
#include "sidecar/relay/relay_metrics.h"
#include "sidecar/store/dead_letters.h"
#include "sidecar/store/reader.h"

namespace postern::relay {

class BackendFeed {
 public:
  struct Options {
    std::string backend;
    record::Signal signal = record::Signal::kLogs;
    std::size_t in_flight = 4;                          // requests
    std::uint64_t look_ahead = std::uint64_t{4} << 20;  // bytes of bodies
    // Neighbours are merged into one request of at most this size; 0: each goes alone.
    std::uint64_t most_merged = 0;
    // Bytes of the log: what is further behind is evicted from this backend. Absent: it is held.
    std::optional<std::uint64_t> max_behind = {};
  };

  // The tools of the relay's thread; they outlive the feed.
  struct Env {
    base::Loop& loop;
    log::Logger& log;
    RelayMetrics& metrics;
    metrics::Registry& registry;  // for the series of a feed
    store::DeadLetters& letters;  // where a record is kept before it is rejected
  };

  // `store` and `backend` outlive the feed. Fails as Reader::Make does.
  static base::Result<std::unique_ptr<BackendFeed>> Make(const Env& env, store::Store& store,
                                                         record::Sink& backend, Options options);
  ~BackendFeed();

  // The cursor's name in the store: "collector/logs".
  static std::string CursorName(const std::string& backend, record::Signal signal);

  // Whether the reader of a cursor, a feed's or another's, passes such a record on. What no backend
  // takes is held back by a feed without one, for whoever may come.
  static bool Needs(const std::string& cursor, const record::Record& record);

  // Whether the backend is done with everything that is kept of its signal.
  bool empty() const;

 private:
  struct Item {
    std::uint64_t after;  // the last sequence before it that is not another signal's
    std::uint64_t age;
    bool may_repeat;
    record::RecordPtr record;         // null: done, though the cursor had no range left to say so
    std::optional<store::Left> left;  // how, unless the backend took it
  };
  using Items = std::map<std::uint64_t, Item>;  // by sequence
  using OriginKey = std::pair<std::string, record::StoreId>;
  // The records of one origin.
  struct Line {
    OriginLine order;
    base::Backoff backoff{
        {.first = std::chrono::milliseconds(100), .most = std::chrono::seconds(60)}, 1};
    base::Timer retry;
  };
  using Lines = std::map<OriginKey, Line>;

  // How long one delivery may take before it counts as failed and is tried again.
  static constexpr base::Duration kDeliveryBound = std::chrono::seconds(30);

  BackendFeed(const Env& env, std::unique_ptr<store::Reader> reader, record::Sink& backend,
              Options options, std::uint64_t most_behind);

  void Pump();
  void LookAhead();
  void RequestAll();
  void SayLeft();
  void SayAll();
  void TellStatus();
  void DropOld();
  void DropFront(Line& line);
  void DropParked();
  void Request(const OriginKey& key, Line& line);
  bool MayPark() const { return parked_.all().size() < ParkedRecords::kMost; }
  record::RecordPtr Take(Line& line);
  void OnAnswer(const OriginKey& key, const record::Answer& answer);
  void OnSaid();
  void Refused(Line& line, const record::Answer& answer);
  void OnFault(const OriginKey& key, Line& line, const record::Answer& answer);
  void OnLetter(const OriginKey& key, const record::Answer& answer);
  void KeepLetter(const record::RecordPtr& record, const record::Answer& answer, base::Task then);
  void Reject(const record::Record& record, const record::Answer& answer);
  void Finish(Line& line, const OriginLine::End& end, std::optional<store::Reason> why);
  void Park(std::uint64_t sequence);
  void RetryParked();
  void OnParkedAnswer(const record::RecordPtr& record, std::uint64_t sequence,
                      const record::Answer& answer);
  void EndParked(std::uint64_t sequence, std::optional<store::Reason> why);
  void Unpark(std::uint64_t sequence, std::optional<store::Reason> why);
  void Leave(Items::iterator item, std::optional<store::Reason> why);
  bool Say(const Items::value_type& item);
  Items::iterator AddItem(const store::Kept& kept);
  bool MayBeRepeat(const store::Kept& kept);

  const Env env_;
  std::unique_ptr<store::Reader> reader_;
  record::Sink& backend_;
  const Options options_;
  Items items_;
  std::uint64_t bytes_ = 0;  // of items_
  std::uint64_t seen_;       // the last sequence that is an item's, was skipped or is done
  Lines lines_;
  OriginKey last_line_;        // that was served
  std::size_t in_flight_ = 0;  // requests that a kill would have repeated
  ParkedRecords parked_;
  std::optional<std::uint64_t> parked_out_;  // in flight
  FeedStatus status_;
  std::uint64_t finished_ = 0;
  base::Instant drop_next_;  // when it is looked for records that have grown too old
  bool pumping_ = false;
  // What a process before us may have had in flight.
  std::uint64_t unknown_through_;
  std::uint64_t unknown_bytes_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::relay
