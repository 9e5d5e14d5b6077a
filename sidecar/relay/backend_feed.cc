#include "sidecar/relay/backend_feed.h"

#include <algorithm>

#include "lib/base/kill_point.h"

namespace postern::relay {

using record::Answer;
using record::AnswerCode;

namespace {

// How long one delivery may take before it counts as failed and is tried again.
constexpr base::Duration kDeliveryBound = std::chrono::seconds(30);
constexpr std::size_t kMostItems = 16'384;
// Records looked at in a turn, and bytes of them, whatever becomes of them.
constexpr int kTurnRecords = 4096;
constexpr std::uint64_t kTurnBytes = std::uint64_t{4} << 20;
constexpr base::Duration kDropEvery = std::chrono::seconds(1);

// Only a fault of the body itself: an expired token at a backend must not become data loss.
bool IsFaultOfBody(const Answer& answer) { return answer.code == AnswerCode::kInvalidArgument; }

// Protobuf messages are merged by writing one behind the other: repeated fields add up
// (https://protobuf.dev/programming-guides/encoding/#last-one-wins).
base::Bytes Concatenate(const std::vector<record::RecordPtr>& records, std::size_t size) {
  base::BytesBuilder builder(size);
  for (const record::RecordPtr& record : records) builder.Append(record->body.view());
  return std::move(builder).Finish();
}

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
                   store::Reader::Make(store, CursorName(options.backend, options.signal)));
  std::unique_ptr<BackendFeed> feed(
      new BackendFeed(env, std::move(reader), backend, std::move(options)));
  env.loop.Post([raw = feed.get(), alive = std::weak_ptr<bool>(feed->alive_)] {
    if (!alive.expired()) raw->Pump();
  });
  return feed;
}

BackendFeed::BackendFeed(const Env& env, std::unique_ptr<store::Reader> reader,
                         record::Sink& backend, Options options)
    : env_(env),
      reader_(std::move(reader)),
      backend_(backend),
      options_(std::move(options)),
      seen_(reader_->floor()),
      unknown_through_(reader_->end()),
      unknown_bytes_(options_.in_flight * std::max(options_.most_merged, options_.look_ahead)) {
  reader_->OnReady([this] { Pump(); });
}

BackendFeed::~BackendFeed() = default;

bool BackendFeed::empty() const { return items_.empty() && reader_->position() >= reader_->end(); }

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
  } while (finished_ != before);
  pumping_ = false;
}

// Round robin, so that one busy origin does not hold the others up.
void BackendFeed::RequestAll() {
  auto at = lines_.upper_bound(last_line_);
  for (std::size_t left = lines_.size(); left > 0 && in_flight_ < options_.in_flight; --left) {
    if (at == lines_.end()) at = lines_.begin();
    last_line_ = at->first;
    Request(at->first, at->second);
    at = at->second.waiting.empty() ? lines_.erase(at) : std::next(at);
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
    lines_[{origin.member, origin.store}].waiting.push_back(kept.sequence);
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

// What waits grows old where its backend does not answer.
void BackendFeed::DropOld() {
  const base::Instant now = env_.loop.clock().Now();
  if (now < drop_next_) return;
  drop_next_ = now + kDropEvery;
  for (auto line = lines_.begin(); line != lines_.end();) {
    DropFront(line->second);
    line = line->second.waiting.empty() ? lines_.erase(line) : std::next(line);
  }
}

// Drops from a line what is to leave; not what is in flight, nor what waits behind that.
void BackendFeed::DropFront(Line& line) {
  while (line.requested == 0 && !line.waiting.empty()) {
    const auto item = items_.find(line.waiting.front());
    const auto why = reader_->WhyDropped(
        {.sequence = item->first, .age = item->second.age, .record = item->second.record});
    // Done although nobody took it: it was evicted.
    if (!why && !reader_->IsDone(item->first)) return;
    Leave(item, why);
    line.waiting.pop_front();
    if (line.alone > 0) --line.alone;
    ++finished_;
  }
}

void BackendFeed::Request(const OriginKey& key, Line& line) {
  DropFront(line);
  while (line.requested == 0 && !line.waiting.empty() && !line.retry.pending() &&
         in_flight_ < options_.in_flight) {
    const record::RecordPtr request = Take(line);
    ++in_flight_;
    backend_.Deliver(request, env_.loop.clock().Now() + kDeliveryBound,
                     [this, key, alive = std::weak_ptr<bool>(alive_)](const Answer& answer) {
                       if (!alive.expired()) OnAnswer(key, answer);
                     });
  }
}

// Returns the first of those that wait, or several of them as one.
record::RecordPtr BackendFeed::Take(Line& line) {
  const record::RecordPtr first = items_.at(line.waiting.front()).record;
  bool repeat = items_.at(line.waiting.front()).may_repeat;
  std::vector<record::RecordPtr> merged{first};
  std::uint64_t size = first->body.size();
  for (std::size_t at = 1; at < line.waiting.size() && line.alone == 0; ++at) {
    const auto& [after, age, next_repeats, next, left] = items_.at(line.waiting[at]);
    size += next->body.size();
    if (size > options_.most_merged || next->metadata != first->metadata ||
        next->possible_repeat != first->possible_repeat) {
      break;
    }
    repeat = repeat || next_repeats;
    merged.push_back(next);
  }
  line.requested = merged.size();
  record::RecordPtr request = first;
  if (merged.size() > 1) {
    record::Record one = *first;
    std::size_t whole = 0;
    for (const record::RecordPtr& record : merged) whole += record->body.size();
    one.body = Concatenate(merged, whole);
    request = std::make_shared<const record::Record>(std::move(one));
  }
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
  if (IsFaultOfBody(answer) && line.requested > 1) {
    --in_flight_;
    line.alone = line.requested;  // one of them is at fault: each by itself tells which
    line.requested = 0;
  } else if (answer.ok() || IsFaultOfBody(answer)) {
    KILL_POINT("backend.answer-cursor");
    if (!answer.ok()) Reject(line, answer);
    Finish(line, answer.ok() ? std::nullopt : std::optional(store::Reason::kRejected));
    reader_->AfterSaid([this] { OnSaid(); });
  } else {
    --in_flight_;
    line.requested = 0;
    const base::Duration wait = std::max<base::Duration>(line.backoff.Next(), answer.retry_after);
    line.retry = env_.loop.PostAfter(wait, [this] { Pump(); });
  }
  Pump();
}

// Not before: what is answered and not written down counts as in flight after a kill.
void BackendFeed::OnSaid() {
  --in_flight_;
  Pump();
}

void BackendFeed::Reject(const Line& line, const Answer& answer) {
  const record::Record& record = *items_.at(line.waiting.front()).record;
  env_.metrics.rejected.Increment();
  env_.log.Warn("record rejected", {{"backend", options_.backend},
                                    {"signal", record::SignalName(record.signal)},
                                    {"member", record.origin.member},
                                    {"sequence", record.origin.sequence},
                                    {"why", answer.message}});
}

void BackendFeed::Finish(Line& line, std::optional<store::Reason> why) {
  for (; line.requested > 0; --line.requested) {
    Leave(items_.find(line.waiting.front()), why);
    line.waiting.pop_front();
    ++finished_;
    if (line.alone > 0) --line.alone;
  }
  line.backoff.Reset();
}

// What found no range left stands at the floor in the end.
void BackendFeed::SayLeft() {
  for (auto low = items_.begin(); low != items_.end() && low->second.record == nullptr;) {
    if (!Say(*low)) break;
    low = items_.erase(low);
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
