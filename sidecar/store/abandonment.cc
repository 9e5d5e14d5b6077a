#include "sidecar/store/abandonment.h"

#include <chrono>
#include <utility>

#include "lib/base/check.h"

namespace postern::store {

namespace {

constexpr std::uint64_t kTurnBytes = std::uint64_t{4} << 20;
constexpr int kTurnRecords = 4096;
constexpr base::Duration kPause = std::chrono::milliseconds(1);  // for whoever else has work
// A disk that cannot be read, or a ledger that is behind.
constexpr base::Duration kRetry = std::chrono::seconds(1);

}  // namespace

Abandonment::Abandonment(base::Loop& loop, log::Logger& log, Store& store, Needs needs)
    : loop_(loop), log_(log), store_(store), needs_(std::move(needs)), cursors_(store.Unread()) {
  if (!done()) Again(kPause);
}

void Abandonment::Again(base::Duration wait) {
  again_ = loop_.PostAfter(wait, [this] { Pump(); });
}

void Abandonment::Pump() {
  if (reader_ == nullptr) Begin();
  ReadTurn();
  const bool dropped = reader_->Drop(reader_->floor(), reader_->position(), left_);
  if (dropped) {
    all_.records += left_.records;
    all_.bytes += left_.bytes;
    left_.records = left_.bytes = 0;
  }
  const Kept* const next = reader_->Peek();
  if (!dropped || (next == nullptr && reader_->position() < through_)) return Again(kRetry);
  if (next == nullptr || next->sequence > through_) Finish();
  if (!done()) Again(kPause);
}

void Abandonment::Begin() {
  auto made = Reader::Make(store_, cursors_.back());
  CHECK(made, "the cursor is there");
  reader_ = *std::move(made);
  through_ = reader_->end();
  left_ = all_ = {.reason = Reason::kAbandoned, .records = 0};
}

void Abandonment::ReadTurn() {
  std::uint64_t bytes = 0;
  for (int records = 0; records < kTurnRecords && bytes < kTurnBytes; ++records) {
    const Kept* const next = reader_->Peek();
    if (next == nullptr || next->sequence > through_) return;
    const std::uint64_t size = next->record->body.size();
    bytes += size;
    if (!reader_->IsDone(next->sequence) && needs_(cursors_.back(), *next->record)) {
      ++left_.records;
      left_.bytes += size;
    }
    reader_->Next();
  }
}

void Abandonment::Finish() {
  log_.Warn("queue has lost a reader: what was kept for it is abandoned",
            {{"reader", cursors_.back()}, {"records", all_.records}, {"bytes", all_.bytes}});
  Reader::Remove(std::move(reader_));
  cursors_.pop_back();
}

}  // namespace postern::store
