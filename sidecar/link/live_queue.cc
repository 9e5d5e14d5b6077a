#include "sidecar/link/live_queue.h"

#include <algorithm>
#include <utility>

namespace postern::link {

using record::Answer;
using record::AnswerCode;

namespace {

Answer TooLate(const char* where) {
  return {.code = AnswerCode::kUnavailable,
          .message = std::string("no answer within the client's deadline: the record ") + where,
          .retry_after = std::chrono::seconds(1),
          .response = {}};
}

}  // namespace

void LiveQueue::Push(LiveItem item) {
  bytes_ += item.record->body.size();
  items_.push_back(std::move(item));
  on_push_();
}

void LiveQueue::PutBack(std::vector<LiveItem> items) {
  for (const LiveItem& item : items) bytes_ += item.record->body.size();
  items_.insert(items_.begin(), std::make_move_iterator(items.begin()),
                std::make_move_iterator(items.end()));
  if (!items_.empty()) on_push_();
}

LiveItem LiveQueue::Pop() {
  LiveItem item = std::move(items_.front());
  items_.pop_front();
  bytes_ -= item.record->body.size();
  return item;
}

void LiveQueue::Expire(base::Instant now) {
  std::vector<LiveItem> expired;
  std::deque<LiveItem> kept;
  for (LiveItem& item : items_) {
    if (item.deadline > now) {
      kept.push_back(std::move(item));
      continue;
    }
    bytes_ -= item.record->body.size();
    expired.push_back(std::move(item));
  }
  items_.swap(kept);
  // Answered last: a `done` may push again.
  for (LiveItem& item : expired) {
    item.done(TooLate(item.sent ? "was sent, its outcome is unknown"
                                : "was not sent, no parent takes records"));
  }
}

std::uint64_t LiveFlight::Add(LiveItem item) {
  items_.emplace_back(std::move(item));
  ++unanswered_;
  return next() - 1;
}

const LiveItem* LiveFlight::Find(std::uint64_t number) const {
  if (number < first_ || number >= next()) return nullptr;
  const std::optional<LiveItem>& item = items_[static_cast<std::size_t>(number - first_)];
  return item ? &*item : nullptr;
}

bool LiveFlight::Answer(std::uint64_t first, std::uint64_t count, const record::Answer& answer) {
  if (count == 0 || first == 0 || count > next() || first > next() - count) return false;
  const std::uint64_t end = first + count;
  for (std::uint64_t number = std::max(first, first_); number < end; ++number) {
    // Looked up by number each time: a `done` may end with DropAnswered elsewhere.
    if (number >= first_) Finish(static_cast<std::size_t>(number - first_), answer);
  }
  DropAnswered();
  return true;
}

void LiveFlight::Finish(std::size_t index, const record::Answer& answer) {
  if (!items_[index]) return;
  const record::Done done = std::move(items_[index]->done);
  items_[index].reset();
  --unanswered_;
  done(answer);
}

void LiveFlight::DropAnswered() {
  while (!items_.empty() && !items_.front()) {
    items_.pop_front();
    ++first_;
  }
}

std::vector<LiveItem> LiveFlight::TakeAll() {
  std::vector<LiveItem> items;
  for (std::optional<LiveItem>& item : items_) {
    if (!item) continue;
    item->record = record::AsPossibleRepeat(item->record);
    item->sent = true;
    items.push_back(*std::move(item));
  }
  first_ = next();
  items_.clear();
  unanswered_ = 0;
  return items;
}

void LiveFlight::Expire(base::Instant now) {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (items_[i] && items_[i]->deadline <= now)
      Finish(i, TooLate("was sent, its outcome is unknown"));
  }
  DropAnswered();
}

}  // namespace postern::link
