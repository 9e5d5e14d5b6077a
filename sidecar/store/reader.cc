#include "sidecar/store/reader.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace postern::store {

namespace {

// Beside what a reader may be behind there is room for the segment that it lets go, the one that is
// filled, and the one that the log keeps back.
constexpr std::uint64_t kSegmentsAhead = 3;

}  // namespace

base::Result<std::unique_ptr<Reader>> Reader::Make(Store& store, std::string cursor,
                                                   ReaderOptions options) {
  RETURN_IF_ERROR(store.log_->AddCursor(cursor));
  if (options.max_behind) {
    const std::uint64_t all = store.max_bytes();
    const std::uint64_t ahead = std::min(all, kSegmentsAhead * store.log_->segment_bytes());
    options.max_behind = std::min(*options.max_behind, all - ahead);
  }
  return std::unique_ptr<Reader>(new Reader(store, std::move(cursor), options));
}

Reader::Reader(Store& store, std::string cursor, ReaderOptions options)
    : store_(store), cursor_(std::move(cursor)), options_(options), disk_(*store.log_) {
  position_ = floor();
  store_.readers_.insert(this);
}

Reader::~Reader() { store_.readers_.erase(this); }

void Reader::Remove(std::unique_ptr<Reader> reader) {
  Store& store = reader->store_;
  const std::string cursor = reader->cursor_;
  reader.reset();
  CHECK(store.log_->RemoveCursor(cursor), "a reader has its cursor");
  store.PumpSoon();
}

const Kept* Reader::Peek() {
  while (group_ == nullptr || index_ == group_->records.size()) {
    if (group_ != nullptr) position_ = std::max(position_, group_->through);
    group_ = store_.Fetch(position_, disk_).value_or(nullptr);
    if (group_ == nullptr) return nullptr;
    // Nobody will ever say that of what is damaged. No range left: its reader is not at its end.
    if (group_->records.empty()) (void)Done(position_, group_->through);
    const auto first = std::upper_bound(
        group_->records.begin(), group_->records.end(), position_,
        [](std::uint64_t after, const Kept& kept) { return after < kept.sequence; });
    index_ = static_cast<std::size_t>(first - group_->records.begin());
  }
  return &group_->records[index_];
}

void Reader::Next() {
  CHECK(group_ != nullptr && index_ < group_->records.size(), "there is a record to pass");
  position_ = group_->records[index_].sequence;
  ++index_;
  if (index_ == group_->records.size()) group_ = nullptr;  // it may go from memory
}

void Reader::SeekAfter(std::uint64_t sequence) {
  if (sequence == position_) return;
  position_ = sequence;
  group_ = nullptr;
}

std::uint64_t Reader::unread_bytes() const {
  if (group_ == nullptr) return store_.BytesAfter(position_);
  std::uint64_t bytes = store_.BytesAfter(group_->through);
  for (std::size_t at = index_; at < group_->records.size(); ++at) {
    bytes += group_->records[at].record->body.size();
  }
  return bytes;
}

std::optional<Reason> Reader::WhyDropped(const Kept& kept) const {
  const std::optional<base::Duration>& most = store_.options_.max_age;
  if (most && std::chrono::milliseconds(store_.log_->age() - kept.age) > *most) {
    return Reason::kExpired;
  }
  if (kept.sequence <= too_far_behind()) return Reason::kEvicted;
  return std::nullopt;
}

std::uint64_t Reader::too_far_behind() const {
  return options_.max_behind ? store_.log_->milestones().SequenceBehind(*options_.max_behind) : 0;
}

std::uint64_t Reader::bytes_behind() const { return store_.log_->milestones().BytesAbove(floor()); }

base::Result<std::optional<Kept>> Reader::Find(std::uint64_t sequence) const {
  queue::LogReader disk(*store_.log_);
  ASSIGN_OR_RETURN(const GroupPtr group, store_.Fetch(sequence - 1, disk));
  if (group == nullptr) return std::nullopt;
  const auto found = std::ranges::lower_bound(group->records, sequence, {}, &Kept::sequence);
  if (found == group->records.end() || found->sequence != sequence) return std::nullopt;
  return *found;
}

void Reader::TellSoon() {
  store_.env_.loop.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) TellReady();
  });
}

bool Reader::Done(std::uint64_t after, std::uint64_t through) {
  const base::Status done = store_.log_->MarkDone(cursor_, after, through);
  if (!done) return false;
  store_.PumpSoon();
  return true;
}

bool Reader::Drop(std::uint64_t after, std::uint64_t through, const Left& left) {
  if (!store_.log_->Drop(cursor_, after, through, left.reason, left.records, left.bytes)) {
    return false;
  }
  store_.env_.metrics.LeftBy(left.reason).Increment(static_cast<double>(left.records));
  store_.PumpSoon();
  return true;
}

void Reader::Note(std::uint64_t after, std::uint64_t through, const Left& left) {
  const base::Status noted =
      store_.log_->Note(left.reason, cursor_, after, through, left.records, left.bytes);
  if (!noted) {
    store_.env_.log.Failed(log::Level::kWarn, "the queue's ledger misses a range", noted.error(),
                           {{"reason", queue::ReasonName(left.reason)},
                            {"reader", cursor_},
                            {"after", after},
                            {"through", through}});
  }
  store_.PumpSoon();
}

void Reader::AfterSaid(base::Task then) {
  store_.AfterCursors([then = std::move(then), alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) then();
  });
}

std::uint64_t Reader::floor() const { return store_.log_->cursors().Find(cursor_)->floor; }

bool Reader::IsDone(std::uint64_t sequence) const {
  const queue::Cursor& cursor = *store_.log_->cursors().Find(cursor_);
  if (sequence <= cursor.floor) return true;
  const auto range = cursor.ranges.lower_bound(sequence);  // the one before it begins below
  return range != cursor.ranges.begin() && sequence <= std::prev(range)->second;
}

}  // namespace postern::store
