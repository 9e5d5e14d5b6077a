#include "sidecar/store/dead_letters.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "sidecar/record/record_codec.h"

namespace postern::store {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

constexpr const char* kCursor = "people";
constexpr base::Duration kTick = std::chrono::seconds(1);
constexpr base::Duration kRetryDisk = std::chrono::seconds(5);
constexpr base::Duration kRoomWait = std::chrono::seconds(1);
constexpr base::Duration kTellEvery = std::chrono::seconds(10);
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// A record's head and its metadata: 32 names and values of 4 KiB, and what frames them.
constexpr std::uint64_t kMostHead = kMiB / 2;

// As much of a text as fits, without half a character of UTF-8 at its end.
std::string_view Shorten(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return text.substr(0, most);
}

std::string HeadOf(const record::Record& record, std::string_view reader, std::string_view why) {
  record::Record letter = record;  // shares the body
  if (letter.metadata.size() < record::kMaxMetadataEntries) {
    const std::string text = std::string(reader) + ": " + std::string(why);
    letter.metadata.emplace_back(DeadLetters::kWhyName, Shorten(text, DeadLetters::kMostWhy));
  }
  std::string head;
  record::AppendRecordHead(letter, {}, head);
  return head;
}

}  // namespace

struct DeadLetters::Opening {
  std::optional<Result<std::unique_ptr<queue::Log>>> log;
};

struct DeadLetters::Sync {
  queue::Work work;
  std::optional<queue::Done> done;
};

// Three: the one that comes, while the newest segment, which never leaves, holds another, and a
// segment's worth is kept back.
std::uint64_t DeadLetters::MaxBytes(std::uint64_t queue_bytes, std::uint64_t max_record) {
  return std::max({std::min(64 * kMiB, queue_bytes / 16), 4 * kMiB, 3 * (max_record + kMostHead)});
}

DeadLetters::DeadLetters(const StoreEnv& env, Options options)
    : env_(env), options_(std::move(options)), failed_(env.log, env.loop.clock(), kTellEvery) {
  Tick();
}

DeadLetters::~DeadLetters() { env_.worker.Wait(); }

void DeadLetters::Keep(record::RecordPtr record, std::string_view reader, std::string_view why,
                       Then then) {
  std::string head = HeadOf(*record, reader, why);
  waiting_.push_back(
      {.record = std::move(record), .head = std::move(head), .then = std::move(then)});
  PumpSoon();
}

// What failed is tried again, and cursors that moved are synced.
void DeadLetters::Tick() {
  tick_ = env_.loop.PostAfter(kTick, [this] { Tick(); });
  Pump();
}

// After this turn's events, so that all of them share a sync.
void DeadLetters::PumpSoon() {
  if (std::exchange(pump_scheduled_, true)) return;
  env_.loop.Defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    pump_scheduled_ = false;
    Pump();
  });
}

void DeadLetters::Pump() {
  const bool quiet = env_.loop.clock().Now() < quiet_until_;
  if (log_ == nullptr) {
    if (!quiet && !out_) Open();
    return;
  }
  if (!quiet) AppendAll();
  env_.metrics.dead_letter_bytes.Set(static_cast<double>(log_->bytes()));
  if (out_) return;
  std::optional<queue::Work> work = log_->Collect();
  if (!work) return;
  out_ = true;
  const auto sync = std::make_shared<Sync>(Sync{.work = *std::move(work), .done = {}});
  env_.worker.Run(
      [sync, &writer = log_->writer()] { sync->done = writer.Do(std::move(sync->work)); },
      [this, sync, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) OnDone(*sync);
      });
}

// === the disk ===

// A relay starts on a full disk too: nothing waits for this but letters.
void DeadLetters::Open() {
  out_ = true;
  const auto opening = std::make_shared<Opening>();
  env_.worker.Run(
      [opening, &storage = env_.storage, &clock = env_.loop.clock(),
       options = queue::LogOptions{.folder = options_.folder, .max_bytes = options_.max_bytes}] {
        opening->log = queue::Log::Open(storage, options, clock);
      },
      [this, opening, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) OnOpened(*opening);
      });
}

void DeadLetters::OnOpened(Opening& opening) {
  out_ = false;
  auto& opened = *opening.log;
  if (!opened) return Failed(opened.error());
  if (const Status added = (*opened)->AddCursor(kCursor); !added) return Failed(added.error());
  log_ = *std::move(opened);
  for (const queue::Damage& damage : log_->report().damages) {
    if (damage.known) continue;
    env_.log.Error("dead letters are damaged", {{"folder", options_.folder},
                                                {"position", damage.from},
                                                {"bytes", damage.to - damage.from}});
  }
  Pump();
}

void DeadLetters::AppendAll() {
  while (!waiting_.empty()) {
    Letter& first = waiting_.front();
    const auto appended = log_->Append({.hop = {}, .head = first.head, .body = first.record->body});
    if (!appended && appended.error().code() == Code::kExhausted) return MakeRoom();
    if (appended) {
      first.sequence = *appended;
      appended_.push_back(std::move(first));
    } else {
      Tell(std::move(first), appended.error());
    }
    waiting_.pop_front();
  }
}

// One segment: it is gone in one of the next syncs.
void DeadLetters::MakeRoom() {
  const base::Instant now = env_.loop.clock().Now();
  if (now < room_due_) return;
  const auto evicted = log_->EvictOldest();
  if (!evicted) return Failed(evicted.error());
  for (const queue::Evicted& one : *evicted) {
    room_due_ = now + kRoomWait;
    env_.log.Warn("dead letters are full: the oldest are evicted",
                  {{"records", one.records}, {"bytes", one.bytes}});
  }
}

void DeadLetters::OnDone(Sync& sync) {
  out_ = false;
  const std::size_t segments = log_->segments();
  const queue::Applied applied = log_->Apply(*std::move(sync.done));
  if (log_->segments() < segments) room_due_ = {};  // it came
  while (!appended_.empty() && appended_.front().sequence <= applied.through) {
    env_.metrics.dead_letters.Increment();
    Tell(std::move(appended_.front()), {});
    appended_.pop_front();
  }
  if (!applied.records) {
    waiting_.insert(waiting_.begin(), std::make_move_iterator(appended_.begin()),
                    std::make_move_iterator(appended_.end()));
    appended_.clear();
  }
  for (const Status* part :
       {&applied.records, &applied.ledger, &applied.cursors, &applied.checkpoint}) {
    if (!*part) Failed(part->error());
  }
  PumpSoon();
}

void DeadLetters::Failed(const Error& why) {
  quiet_until_ = env_.loop.clock().Now() + kRetryDisk;
  env_.metrics.dead_letter_errors.Increment();
  failed_.Failed(log::Level::kWarn, "dead letters' disk failed: their records are held", why,
                 {{"folder", options_.folder}, {"waiting", waiting()}});
}

void DeadLetters::Tell(Letter&& letter, const Status& kept) {
  if (!kept) {
    env_.log.Failed(log::Level::kWarn, "record is too large for the dead letters", kept.error());
  }
  env_.loop.Post([then = std::move(letter.then), kept] { then(kept); });
}

}  // namespace postern::store
