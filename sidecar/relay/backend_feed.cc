#include "sidecar/relay/backend_feed.h"

#include <algorithm>

#include "lib/base/kill_point.h"
#include "sidecar/relay/merge.h"

namespace postern::relay {

using record::Answer;

namespace {

constexpr std::size_t kMostItems = 16'384;
// Records looked at in a turn, and bytes of them, whatever becomes of them.
constexpr int kTurnRecords = 4096;
constexpr std::uint64_t kTurnBytes = std::uint64_t{4} << 20;
constexpr base::Duration kDropEvery = std::chrono::seconds(1);

}  // namespace

std::string BackendFeed::CursorName(const std::string& backend, record::Signal signal) {
  return backend + "/" + std::string(record::SignalName(signal));
}

bool BackendFeed::Needs(const std::string& cursor, const record::Record& record) {
  const std::size_t slash = cursor.find('/');
  if (slash == std::string::npos) return true;
  return slash > 0 && cursor.substr(slash + 1) == record::SignalName(record.signal);
}

base::Result<std::unique_ptr<BackendFeed>> BackendFeed::Make(const Env& env, store::Store& store,
                                                             record::Sink& backend,
                                                             Options options) {
  ASSIGN_OR_RETURN(auto reader,
                   store::Reader::Make(store, CursorName(options.backend, options.signal),
                                       {.max_behind = options.max_behind}));
  const std::uint64_t most_behind = options.max_behind.value_or(store.max_bytes());
  std::unique_ptr<BackendFeed> feed(
      new BackendFeed(env, std::move(reader), backend, std::move(options), most_behind));
  env.loop.Post([raw = feed.get(), alive = std::weak_ptr<bool>(feed->alive_)] {
    if (!alive.expired()) raw->Pump();
  });
  return feed;
}

BackendFeed::BackendFeed(const Env& env, std::unique_ptr<store::Reader> reader,
                         record::Sink& backend, Options options, std::uint64_t most_behind)
    : env_(env),
      reader_(std::move(reader)),
      backend_(backend),
      options_(std::move(options)),
      seen_(reader_->floor()),
      status_(env.log, env.loop.clock(), env.registry, options_.backend, options_.signal,
              most_behind),
      unknown_through_(reader_->end()),
      unknown_bytes_(options_.in_flight * std::max(options_.most_merged, options_.look_ahead)) {
  reader_->OnReady([this] { Pump(); });
}

BackendFeed::~BackendFeed() = default;

bool BackendFeed::empty() const {
  return items_.empty() && parked_.all().empty() && reader_->position() >= reader_->end();
}

void BackendFeed::Pump() {
  // A backend may answer before Deliver returns: the loop below goes on then, instead of recursing.
  if (std::exchange(pumping_, true)) return;
  std::uint64_t before = 0;
  do {
    before = finished_;
    DropOld();
    LookAhead();
    SayLeft();
    RequestAll();
    RetryParked();
  } while (finished_ != before);
  TellStatus();
  pumping_ = false;
}

void BackendFeed::TellStatus() {
  status_.Behind(reader_->bytes_behind());
  status_.Parked(parked_.all().size());
}

// Round robin, so that one busy origin does not hold the others up.
void BackendFeed::RequestAll() {
  auto at = lines_.upper_bound(last_line_);
  for (std::size_t left = lines_.size(); left > 0 && in_flight_ < options_.in_flight; --left) {
    if (at == lines_.end()) at = lines_.begin();
    last_line_ = at->first;
    Request(at->first, at->second);
    at = at->second.order.empty() ? lines_.erase(at) : std::next(at);
  }
}

// Takes over what the store has, as far as may be looked at.
void BackendFeed::LookAhead() {
  const std::uint64_t before = seen_;
  std::uint64_t skipped = seen_;  // of other signals, or done
  store::Left again{.reason = store::Reason::kRedelivered, .records = 0};
  std::uint64_t looked = 0;
  for (int records = 0; items_.size() < kMostItems && bytes_ < options_.look_ahead; ++records) {
    if (records == kTurnRecords || looked > kTurnBytes) {
      reader_->TellSoon();
      break;
    }
    const store::Kept* next = reader_->Peek();
    if (next == nullptr) break;
    looked += next->record->body.size();
    const store::Kept kept = *next;
    reader_->Next();
    skipped = kept.sequence;
    if (kept.record->signal != options_.signal || reader_->IsDone(kept.sequence)) continue;
    const auto item = AddItem(kept);
    if (const auto why = reader_->WhyDropped(kept)) {
      Leave(item, why);
      continue;
    }
    item->second.may_repeat = MayBeRepeat(kept);
    if (item->second.may_repeat) ++again.records, again.bytes += kept.record->body.size();
    const record::Origin& origin = kept.record->origin;
    lines_[{origin.member, origin.store}].order.Add(kept.sequence);
  }
  if (again.records > 0) {
    env_.metrics.redelivered.Increment(static_cast<double>(again.records));
    reader_->Note(before, seen_, again);
  }
  if (skipped > seen_) {
    (void)reader_->Done(seen_, skipped);
    seen_ = skipped;
  }
}

BackendFeed::Items::iterator BackendFeed::AddItem(const store::Kept& kept) {
  bytes_ += kept.record->body.size();
  const std::uint64_t after = std::exchange(seen_, kept.sequence);
  return items_
      .emplace(kept.sequence, Item{.after = after,
                                   .age = kept.age,
                                   .may_repeat = false,
                                   .record = kept.record,
                                   .left = {}})
      .first;
}

// What waits grows old, and falls behind, where its backend does not answer.
void BackendFeed::DropOld() {
  const base::Instant now = env_.loop.clock().Now();
  if (now < drop_next_) return;
  drop_next_ = now + kDropEvery;
  bool refuses = !parked_.all().empty();
  for (auto line = lines_.begin(); line != lines_.end();) {
    DropFront(line->second);
    refuses = refuses || line->second.order.is_refused();
    line = line->second.order.empty() ? lines_.erase(line) : std::next(line);
  }
  DropParked();
  SayAll();
  status_.Refuses(refuses);
}

// Drops from a line what is to leave; not what is in flight, nor what waits behind that.
void BackendFeed::DropFront(Line& line) {
  while (!line.order.is_out() && !line.order.empty()) {
    const auto item = items_.find(line.order.at(0));
    const auto why = reader_->WhyDropped(
        {.sequence = item->first, .age = item->second.age, .record = item->second.record});
    // Done although nobody took it: it was evicted.
    if (!why && !reader_->IsDone(item->first)) return;
    Leave(item, why);
    line.order.DropFront();
    ++finished_;
  }
}

void BackendFeed::Request(const OriginKey& key, Line& line) {
  DropFront(line);
  const base::Instant deadline = env_.loop.clock().Now() + kDeliveryBound;
  while (!line.order.is_out() && !line.order.empty() && !line.retry.pending() &&
         in_flight_ < options_.in_flight) {
    if (!MayPark()) line.order.Hold();
    const record::RecordPtr request = Take(line);
    ++in_flight_;
    backend_.Deliver(request, deadline,
                     [this, key, alive = std::weak_ptr<bool>(alive_)](const Answer& answer) {
                       if (!alive.expired()) OnAnswer(key, answer);
                     });
  }
}

// Returns the next of those that wait, or several of them as one.
record::RecordPtr BackendFeed::Take(Line& line) {
  const std::size_t from = line.order.first();
  const Item& first = items_.at(line.order.at(from));
  bool repeat = first.may_repeat;
  std::vector<record::RecordPtr> merged{first.record};
  std::uint64_t size = first.record->body.size();
  for (std::size_t at = from + 1; at < line.order.size() && !line.order.alone(); ++at) {
    const Item& next = items_.at(line.order.at(at));
    size += next.record->body.size();
    if (size > options_.most_merged || next.record->metadata != first.record->metadata ||
        next.record->possible_repeat != first.record->possible_repeat) {
      break;
    }
    repeat = repeat || next.may_repeat;
    merged.push_back(next.record);
  }
  line.order.Request(merged.size());
  const record::RecordPtr request = Merge(merged);
  return repeat ? record::AsPossibleRepeat(request) : request;
}

// Whether a process before us may have delivered the record and not come to write that down.
bool BackendFeed::MayBeRepeat(const store::Kept& kept) {
  if (kept.sequence > unknown_through_ || unknown_bytes_ == 0) return false;
  const std::uint64_t size = kept.record->body.size();
  unknown_bytes_ -= std::min(unknown_bytes_, std::max<std::uint64_t>(size, 1));
  return true;
}

void BackendFeed::OnAnswer(const OriginKey& key, const Answer& answer) {
  Line& line = lines_.at(key);
  if (answer.ok()) {
    KILL_POINT("backend.answer-cursor");
    Finish(line, line.order.OnTaken(), std::nullopt);
  } else if (record::IsFaultOfBody(answer)) {
    OnFault(key, line, answer);
  } else {
    --in_flight_;
    Refused(line, answer);
  }
  Pump();
}

// The line waits until people have what is at fault. The others do not: it is in flight no longer,
// and back when there is something to write down.
void BackendFeed::OnFault(const OriginKey& key, Line& line, const Answer& answer) {
  if (line.order.is_merged()) return Finish(line, line.order.OnFault(), std::nullopt);
  --in_flight_;
  const record::RecordPtr faulty = items_.at(line.order.at(line.order.first())).record;
  KeepLetter(faulty, answer, [this, key, answer] { OnLetter(key, answer); });
}

void BackendFeed::OnLetter(const OriginKey& key, const Answer& answer) {
  Line& line = lines_.at(key);
  const OriginLine::End end = line.order.OnFault();
  for (const std::uint64_t one : end.done) Reject(*items_.at(one).record, answer);
  ++in_flight_;
  Finish(line, end, store::Reason::kRejected);
  Pump();
}

void BackendFeed::KeepLetter(const record::RecordPtr& record, const Answer& answer,
                             base::Task then) {
  env_.letters.Keep(record, CursorName(options_.backend, options_.signal), answer.message,
                    [then = std::move(then), alive = std::weak_ptr<bool>(alive_)](
                        const base::Status& /*too large, or kept*/) {
                      if (!alive.expired()) then();
                    });
}

void BackendFeed::Refused(Line& line, const Answer& answer) {
  status_.Refused(answer);
  base::Duration wait = answer.retry_after;
  if (!line.order.OnRefused(MayPark())) wait = std::max(line.backoff.Next(), wait);
  if (wait > base::Duration::zero()) line.retry = env_.loop.PostAfter(wait, [this] { Pump(); });
}

// Not before: what is answered and not written down counts as in flight after a kill.
void BackendFeed::OnSaid() {
  --in_flight_;
  Pump();
}

void BackendFeed::Reject(const record::Record& record, const Answer& answer) {
  env_.metrics.rejected.Increment();
  status_.Rejected(record, answer);
}

void BackendFeed::Finish(Line& line, const OriginLine::End& end, std::optional<store::Reason> why) {
  if (end.done.empty()) {
    --in_flight_;  // one of those merged is at fault: each by itself tells which
    return;
  }
  for (const std::uint64_t sequence : end.done) {
    Leave(items_.find(sequence), why);
    ++finished_;
  }
  if (end.parked) Park(*end.parked);
  line.backoff.Reset();
  reader_->AfterSaid([this] { OnSaid(); });
}

// === done ===

// What found no range left stands at the floor in the end.
void BackendFeed::SayLeft() {
  for (auto low = items_.begin(); low != items_.end() && low->second.record == nullptr;) {
    if (!Say(*low)) break;
    low = items_.erase(low);
  }
}

// Those higher up too. With parked records the floor stands still, and what was done without a
// range beside it joins one that has come since; else such items were all that is looked ahead.
void BackendFeed::SayAll() {
  for (auto item = items_.begin(); item != items_.end();) {
    const bool said = item->second.record == nullptr && Say(*item);
    item = said ? items_.erase(item) : std::next(item);
  }
}

// Its record is done with: the backend took it, or it leaves for a reason.
void BackendFeed::Leave(Items::iterator item, std::optional<store::Reason> why) {
  const std::uint64_t size = item->second.record->body.size();
  bytes_ -= size;
  item->second.record = nullptr;
  if (why) item->second.left = store::Left{.reason = *why, .bytes = size};
  if (Say(*item)) items_.erase(item);
}

// Tells the store that an item is done. False where it can not take that now.
bool BackendFeed::Say(const Items::value_type& item) {
  const auto& [sequence, done] = item;
  if (!done.left) return reader_->Done(done.after, sequence);
  return reader_->Drop(done.after, sequence, *done.left);
}

}  // namespace postern::relay
