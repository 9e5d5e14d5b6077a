#include "sidecar/store/store.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/kill_point.h"
#include "sidecar/record/record_codec.h"
#include "sidecar/store/reader.h"

namespace postern::store {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;
using base::Status;

namespace {

constexpr base::Duration kTick = std::chrono::seconds(1);
constexpr base::Duration kRetryDisk = std::chrono::seconds(5);
constexpr base::Duration kRoomWait = std::chrono::seconds(1);
constexpr base::Duration kTellEvery = std::chrono::seconds(10);
// Of records that are synced, for readers that are close behind: more is read back from the disk,
// most likely out of the kernel's cache.
constexpr std::uint64_t kMostCached = std::uint64_t{8} << 20;

queue::Entry EntryOf(const record::Record& record, std::optional<queue::Hop>&& hop) {
  queue::Entry entry{.hop = std::move(hop), .head = {}, .body = record.body};
  record::AppendRecordHead(record, {}, entry.head);
  return entry;
}

// Whose share it is; none: own clients'.
const std::string& MemberOf(const Store::Incoming& incoming) {
  return incoming.hop ? incoming.hop->sender.member : incoming.child;
}

}  // namespace

struct Store::Sync {
  queue::Work work;
  std::optional<queue::Done> done;
  base::Instant began;
  std::vector<base::Task> after_cursors;
};

struct Store::CursorWrite {
  queue::CursorsWork work;
  Status written;
  std::vector<base::Task> after;
};

Result<std::unique_ptr<Store>> Store::Open(const StoreEnv& env, StoreOptions options) {
  ASSIGN_OR_RETURN(
      auto log,
      queue::Log::Open(env.storage, {.folder = options.folder, .max_bytes = options.max_bytes},
                       env.loop.clock()));
  return std::unique_ptr<Store>(new Store(env, std::move(options), std::move(log)));
}

Store::Store(const StoreEnv& env, StoreOptions options, std::unique_ptr<queue::Log> log)
    : env_(env),
      options_(std::move(options)),
      most_cached_(std::min(kMostCached, env.budget.total() / 8)),
      log_(std::move(log)),
      readable_through_(log_->synced_through()),
      cached_from_(readable_through_),
      shares_(options_.max_bytes),
      sync_failed_(env.log, env.loop.clock(), kTellEvery),
      read_failed_(env.log, env.loop.clock(), kTellEvery) {
  Tell(log_->report());
  env_.metrics.max_bytes.Set(static_cast<double>(options_.max_bytes));
  Tick();
}

Store::~Store() {
  CHECK(readers_.empty(), "readers go before their store");
  env_.worker.Wait();
  env_.cursor_worker.Wait();
  if (sync_ != nullptr) {
    const queue::Applied applied = log_->Apply(*std::move(sync_->done));
    (void)TakePending(applied.through);
    if (!applied.records) (void)TakeRefused();
  }
  (void)AppendOwed();  // whenever the disk failed: there is no later
  while (!pending_.empty()) {
    const queue::Applied applied = log_->Commit();
    if (!applied.records) return;
    (void)TakePending(applied.through);
  }
  log_->Commit();  // cursors
}

bool Store::failed() const { return failed_until_ && env_.loop.clock().Now() < *failed_until_; }

Status Store::TakeNewStore() {
  held_still_ = true;  // the log must have no work out
  env_.worker.Wait();
  if (sync_ != nullptr) OnDone();
  Status taken = log_->TakeNewStore();
  held_still_ = false;
  PumpSoon();
  return taken;
}

// === in ===

Result<std::uint64_t> Store::Append(Incoming& incoming) {
  if (failed()) {
    return Fail(Code::kUnavailable, "the queue's disk failed; the next try is within 5 s");
  }
  if (!AppendOwed()) {
    return Fail(Code::kExhausted, "the queue is full, and what was answered for goes first");
  }
  const std::string& member = MemberOf(incoming);
  if (OverShare(member, incoming.hop)) {
    return Fail(Code::kExhausted, "the queue is more than half full, and " +
                                      (member.empty() ? "own clients hold" : member + " holds") +
                                      " a full share of it");
  }
  return AppendNow(incoming);
}

// Whether nothing is owed any more. In their order, and under new numbers.
bool Store::AppendOwed() {
  for (; !owed_.empty(); owed_.pop_front()) {
    Pending& first = owed_.front();
    Incoming again{.record = *first.kept.record,
                   .hop = {},
                   .held = first.held,
                   .answered = true,
                   .on_kept = std::move(first.on_kept)};
    if (AppendNow(again)) continue;
    first.on_kept = std::move(again.on_kept);
    return false;
  }
  return true;
}

Result<std::uint64_t> Store::AppendNow(Incoming& incoming) {
  record::Record& record = incoming.record;
  if (!incoming.hop && incoming.child.empty()) {
    record.origin = {.member = options_.member, .store = id(), .sequence = last_sequence() + 1};
  }
  queue::Entry entry = EntryOf(record, std::move(incoming.hop));
  shares_.Append(entry.hop ? entry.hop->sender.member : incoming.child, last_sequence() + 1,
                 queue::SizeBound(entry));
  const Result<std::uint64_t> appended = log_->Append(std::move(entry));
  if (!appended) {
    // NOLINTNEXTLINE(bugprone-use-after-move): what it does not take it leaves
    incoming.hop = std::move(entry.hop);
    shares_.TakeBack();
  }
  if (!appended && appended.error().code() == Code::kExhausted) {
    full_at_ = env_.loop.clock().Now();
    MakeRoom();
  }
  ASSIGN_OR_RETURN(const std::uint64_t sequence, appended);
  const std::uint64_t size = record.body.size() + kRecordCost;
  pending_.push_back({.kept = {.sequence = sequence,
                               .age = 0,  // the sync's
                               .record = std::make_shared<const record::Record>(std::move(record))},
                      .size = size,
                      .held = incoming.held,
                      .answered = incoming.answered,
                      .on_kept = std::move(incoming.on_kept)});
  PumpSoon();
  return sequence;
}

// What came before is none of it: a child waits for its acknowledgement. Where the oldest make room
// own clients are not refused for what they have.
bool Store::OverShare(const std::string& member, const std::optional<Hop>& hop) {
  if (shares_.MayAdd(member, log_->bytes(), tick_age_)) return false;
  return !(hop && log_->IsRepeat(*hop)) && !(member.empty() && options_.drop_oldest);
}

std::uint64_t Store::RoomFor(const std::string& child) const {
  return shares_.RoomFor(child, log_->bytes());
}

// One segment, which is gone in one of the next syncs: whoever was refused comes again.
void Store::MakeRoom() {
  const base::Instant now = env_.loop.clock().Now();
  if (!options_.drop_oldest || now < room_due_) return;
  const auto needs = [this](const std::string& cursor, const queue::StoredEntry& entry) {
    const Result<record::Record> record = record::ParseRecord(entry.body, {});
    return record && (!options_.needs || options_.needs(cursor, *record));
  };
  const auto evicted = log_->EvictOldest(needs);
  if (!evicted) {
    read_failed_.Failed(log::Level::kError, "the queue is full and evicts nothing",
                        evicted.error());
    return;
  }
  segments_before_ = log_->segments();
  room_due_ = now + kRoomWait;
  for (const queue::Evicted& one : *evicted) {
    env_.metrics.evicted.Increment(static_cast<double>(one.records));
    env_.log.Warn("queue is full: its oldest records are evicted",
                  {{"reader", one.name}, {"records", one.records}, {"bytes", one.bytes}});
  }
  for (Reader* reader : readers_) {
    if (reader->position() < reader->floor()) reader->SeekAfter(reader->floor());
    reader->TellSoon();
  }
  PumpSoon();
}

// === the disk ===

// Cursors that moved without a record to go with are synced within a second.
void Store::Tick() {
  tick_ = env_.loop.PostAfter(kTick, [this] { Tick(); });
  tick_age_ = log_->age();
  if (!failed()) (void)AppendOwed();
  Pump();
  ForgetPassed();
  TellReaders();  // a disk that could not be read is tried again
  Measure();
}

// After this turn's events, so that all of them share a sync.
void Store::PumpSoon() {
  if (std::exchange(pump_scheduled_, true)) return;
  env_.loop.Defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    pump_scheduled_ = false;
    Pump();
  });
}

void Store::Pump() {
  env_.metrics.bytes.Set(static_cast<double>(log_->bytes()));
  PumpSync();
  PumpCursors();
  if (!log_->cursors_changed()) RunAll(std::exchange(after_cursors_, {}));  // nothing was said
}

void Store::PumpSync() {
  if (sync_ != nullptr || held_still_) return;
  std::optional<queue::Work> work = log_->Collect();
  if (!work) return;
  const bool has_cursors = work->cursors.has_value();
  sync_ =
      std::make_shared<Sync>(Sync{.work = *std::move(work),
                                  .done = {},
                                  .began = env_.loop.clock().Now(),
                                  .after_cursors = has_cursors ? std::exchange(after_cursors_, {})
                                                               : std::vector<base::Task>()});
  env_.worker.Run(
      [sync = sync_, &writer = log_->writer()] { sync->done = writer.Do(std::move(sync->work)); },
      [this, sync = sync_, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired() && sync == sync_) OnDone();
      });
}

void Store::PumpCursors() {
  std::optional<queue::CursorsWork> work = log_->CollectCursors();
  if (!work) return;
  auto write = std::make_shared<CursorWrite>(CursorWrite{
      .work = *std::move(work), .written = {}, .after = std::exchange(after_cursors_, {})});
  env_.cursor_worker.Run(
      [write, &writer = log_->writer()] { write->written = writer.Write(write->work); },
      [this, write, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) OnCursorsDone(*write);
      });
}

void Store::OnDone() {
  const std::shared_ptr<Sync> sync = std::exchange(sync_, nullptr);
  const std::chrono::duration<double> took = env_.loop.clock().Now() - sync->began;
  env_.metrics.sync_seconds.Observe(took.count());
  const std::uint64_t age = sync->done->work.stamp.age;
  const queue::Applied applied = log_->Apply(*std::move(sync->done));
  for (const Status* part :
       {&applied.records, &applied.ledger, &applied.cursors, &applied.checkpoint}) {
    if (*part) continue;
    env_.metrics.sync_errors.Increment();
    sync_failed_.Failed(log::Level::kError, "the queue's disk failed", part->error());
  }
  if (log_->segments() < segments_before_) room_due_ = {};  // it came
  shares_.Sync(applied.through);
  if (!applied.records) shares_.FallBack();
  shares_.Pass(log_->cursors().floor());
  std::vector<Pending> kept = TakePending(applied.through);
  for (Pending& one : kept) one.kept.age = age;
  std::vector<Pending> refused;
  if (!applied.records) {
    failed_until_ = env_.loop.clock().Now() + kRetryDisk;
    refused = TakeRefused();
  }
  PumpSync();  // the disk has its next work before anybody is told
  PumpSoon();  // cursors that waited for the ledger
  const std::weak_ptr<bool> alive(alive_);
  if (!kept.empty()) Keep(kept);
  if (!refused.empty() && !alive.expired()) Refuse(refused, applied.records.error());
  if (!alive.expired()) RunAll(std::move(sync->after_cursors));
}

void Store::OnCursorsDone(const CursorWrite& write) {
  log_->ApplyCursors(write.work, write.written);
  if (!write.written) {
    env_.metrics.sync_errors.Increment();
    sync_failed_.Failed(log::Level::kError, "the queue's disk failed", write.written.error());
  }
  PumpSoon();  // what moved meanwhile
  RunAll(write.after);
}

void Store::AfterCursors(base::Task then) {
  after_cursors_.push_back(std::move(then));
  PumpSoon();
}

// In turns of their own: they may end readers, and be told of by the next ones.
void Store::RunAll(std::vector<base::Task> tasks) {
  for (base::Task& task : tasks) env_.loop.Post(std::move(task));
}

std::vector<Store::Pending> Store::TakePending(std::uint64_t through) {
  std::vector<Pending> taken;
  while (!pending_.empty() && pending_.front().kept.sequence <= through) {
    taken.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return taken;
}

// What the disk did not take, but for those that are answered for: they wait in memory.
std::vector<Store::Pending> Store::TakeRefused() {
  std::vector<Pending> refused = TakePending(last_sequence());
  const auto owed = std::stable_partition(refused.begin(), refused.end(),
                                          [](const Pending& one) { return !one.answered; });
  owed_.insert(owed_.begin(), std::make_move_iterator(owed),
               std::make_move_iterator(refused.end()));
  refused.erase(owed, refused.end());
  if (!owed_.empty()) {
    env_.log.Warn("records that were answered for wait in memory for the queue's disk",
                  {{"records", owed_.size()}});
  }
  return refused;
}

void Store::Keep(const std::vector<Pending>& kept) {
  env_.metrics.appended.Increment(static_cast<double>(kept.size()));
  std::vector<Kept> records;
  records.reserve(kept.size());
  std::uint64_t held = 0;
  std::uint64_t bytes = 0;
  for (const Pending& one : kept) {
    records.push_back(one.kept);
    held += one.held;
    bytes += one.size;
  }
  const std::uint64_t through = records.back().sequence;
  CHECK(records.front().sequence > readable_through_, "syncs are told of in their order");
  holdings_.Add(readable_through_, through, records.front().age);
  ForgetPassed();
  if (cached_ + bytes <= most_cached_) {
    Remember(MakeGroup(readable_through_, through, std::move(records)));
  } else {
    cached_from_ = through;
  }
  readable_through_ = through;
  KILL_POINT("store.sync-answer");
  TellReaders();
  for (const Pending& one : kept) one.on_kept({});
  env_.budget.Give(held);  // last: whoever waits for it may append at once
}

void Store::Refuse(const std::vector<Pending>& refused, const Error& why) {
  env_.metrics.refused.Increment(static_cast<double>(refused.size()));
  std::uint64_t held = 0;
  for (const Pending& one : refused) {
    held += one.held;
    one.on_kept(why);
  }
  env_.budget.Give(held);
}

}  // namespace postern::store
