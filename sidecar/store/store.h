// Store: the records that a relay keeps on disk until they are passed on. One for a relay.
//
// The log (lib/queue) knows bytes; this knows records, runs the log's syncs on a thread of their
// own and hands what is synced to readers, from memory where they are close behind.
//
//   ASSIGN_OR_RETURN(auto store, Store::Open(env, {.folder = state + "/queue"}));
//   store->Append({.record = std::move(record), .held = held, .on_kept = [](const Status& kept) { …
//   }}); Reader uplink(*store, "uplink");        // reader.h
//
//   Append → pending → one sync for all of it → on_kept, readers
//                         └ failed: all of it is refused, the next try in 5 s
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/loop.h"
#include "lib/base/worker.h"
#include "lib/fs/storage.h"
#include "lib/log/logger.h"
#include "lib/log/repeated.h"
#include "lib/queue/log.h"
#include "lib/queue/log_reader.h"
#include "sidecar/record/memory_budget.h"
#include "sidecar/store/fill_forecast.h"
#include "sidecar/store/group.h"
#include "sidecar/store/holdings.h"
#include "sidecar/store/shares.h"
#include "sidecar/store/store_metrics.h"

namespace postern::store {

class Reader;

// A child, as its certificate and its Hello name it; its number for a record; how far it came.
using queue::Hop;
using queue::Mark;
using queue::Sender;

// The tools of the relay's thread, and the disk; they outlive the store.
struct StoreEnv {
  base::Loop& loop;
  base::Worker& worker;         // for what waits for the disk
  base::Worker& cursor_worker;  // for what only writes, and so waits for no sync
  fs::Storage& storage;
  record::MemoryBudget& budget;
  log::Logger& log;
  StoreMetrics& metrics;
};

struct StoreOptions {
  std::string folder;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  std::string member;                          // our host: the origin of what our own clients send
  std::optional<base::Duration> max_age = {};  // a record that is older expires
  // Where the log is full its oldest records make room, unread or not; else nothing more is taken.
  bool drop_oldest = false;
  // Whether a cursor's reader passes such a record on: what leaves is counted by it. Without it,
  // each passes on all.
  std::function<bool(const std::string& cursor, const record::Record& record)> needs = {};
};

class Store {
 public:
  // Called once: with OK when the record is synced, else with why it is not kept.
  using OnKept = std::function<void(const base::Status&)>;
  struct Incoming {
    record::Record record;
    std::optional<Hop> hop;  // of what a child stored
    // A child whose client waits until it is kept here. Without hop and child it is an own
    // client's, and its origin is set here.
    std::string child = {};
    std::uint64_t held = 0;  // bytes of the budget that came with it; given back here
    // Its client was answered already: where the disk fails it stays in memory, and is appended
    // before anything else once the disk takes it.
    bool answered = false;
    OnKept on_kept;
  };

  // Fails as queue::Log::Open does.
  static base::Result<std::unique_ptr<Store>> Open(const StoreEnv& env, StoreOptions options);
  // Syncs what is pending; nobody is told any more.
  ~Store();

  // Takes a record, or leaves it untouched: kExhausted where the log is full (or makes room), or
  // more than half full and the child (or own clients) at their share of it,
  // kUnavailable for 5 s after its disk failed, kConflict where the hop's sequence came before,
  // kInvalid where the record never fits.
  base::Result<std::uint64_t> Append(Incoming& incoming);

  // How many bytes of a child may be on their way: shares.h.
  std::uint64_t RoomFor(const std::string& child) const;

  const record::StoreId& id() const { return log_->store(); }
  // A parent knows more of this store than we do: the folder is an older copy of itself. From now
  // on it has another id. Waits for the disk, and is synced when it returns.
  base::Status TakeNewStore();
  Mark SyncedMark(const Sender& sender) const { return log_->SyncedMark(sender); }

  // Calls `then`, in a turn of its own, once what readers have said so far is written, which a kill
  // does not take back, or could not be written.
  void AfterCursors(base::Task then);

  // The names of cursors in the folder that no reader goes on with.
  std::vector<std::string> Unread() const;

  // The highest sequence ever assigned, and the highest that is synced.
  std::uint64_t last_sequence() const { return log_->last_sequence(); }
  std::uint64_t synced_through() const { return log_->synced_through(); }
  // Whether the disk takes records, as far as known.
  bool failed() const;
  std::uint64_t bytes() const { return log_->bytes(); }
  std::uint64_t max_bytes() const { return options_.max_bytes; }

 private:
  friend class Reader;

  static constexpr std::uint64_t kRecordCost = 256;  // in memory, beside its body
  struct Pending {
    Kept kept;
    std::uint64_t size;
    std::uint64_t held;
    bool answered;
    OnKept on_kept;
  };
  struct Sync;  // one that is out
  struct CursorWrite;

  Store(const StoreEnv& env, StoreOptions options, std::unique_ptr<queue::Log> log);

  void Tell(const queue::OpenReport& report);
  void OnDamage(const queue::Damage& damage);
  base::Result<std::uint64_t> AppendNow(Incoming& incoming);
  bool AppendOwed();
  bool OverShare(const std::string& member, const std::optional<Hop>& hop);
  void MakeRoom();
  void Tick();
  void Measure();
  void PumpSoon();
  void Pump();
  void PumpSync();
  void PumpCursors();
  void OnDone();
  void OnCursorsDone(const CursorWrite& write);
  void RunAll(std::vector<base::Task> tasks);
  void Keep(const std::vector<Pending>& kept);
  void Refuse(const std::vector<Pending>& refused, const base::Error& why);
  std::vector<Pending> TakePending(std::uint64_t through);
  std::vector<Pending> TakeRefused();
  void Remember(const GroupPtr& group);
  void ForgetPassed();
  void TellReaders();
  std::uint64_t BytesAfter(std::uint64_t sequence) const;

  // Returns what follows `after`; null where nothing does yet, a group without records where what
  // does is damaged. `reader` reads where memory has it not. kUnavailable where the disk cannot be
  // read.
  base::Result<GroupPtr> Fetch(std::uint64_t after, queue::LogReader& reader);
  GroupPtr MakeGroup(std::uint64_t after, std::uint64_t through, std::vector<Kept> records);
  base::Result<GroupPtr> Load(std::uint64_t after, queue::LogReader& reader);

  StoreEnv env_;
  const StoreOptions options_;
  const std::uint64_t most_cached_;
  std::unique_ptr<queue::Log> log_;
  std::uint64_t readable_through_;  // what readers have been told of
  std::uint64_t cached_from_;       // everything above that they were told of is in memory
  std::deque<Pending> pending_;
  std::deque<Pending> owed_;  // answered for, refused by the disk: to be appended again
  std::shared_ptr<Sync> sync_;
  std::vector<base::Task> after_cursors_;  // of which nothing is out that has what they wait for
  bool pump_scheduled_ = false;
  std::uint64_t tick_age_ = 0;  // the log's, a second ago or less
  bool held_still_ = false;
  std::optional<base::Instant> failed_until_;
  std::optional<base::Instant> full_at_;  // the last record for which there was no room
  FillForecast forecast_;
  Holdings holdings_;
  Shares shares_;
  std::size_t segments_before_ = 0;  // the oldest was evicted
  base::Instant room_due_;
  std::set<Reader*> readers_;
  std::map<std::uint64_t, GroupPtr> cache_;  // by `after`
  std::uint64_t cached_ = 0;
  log::Repeated sync_failed_;
  log::Repeated read_failed_;
  base::Timer tick_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::store
