// The records whose clients wait for an answer from above: LiveQueue for those that no link carries
// yet, LiveFlight for those on their way over one link.
//
//   queue.Push(item);                         // by the relay
//   number = flight.Add(queue.Pop());         // by the link, as credit allows
//   flight.Answer(number, 1, answer);         // by LiveAck
//   queue.PutBack(flight.TakeAll());          // the link is lost: offered to the next one
//
// Whatever happens, each item is answered once: at the latest with kUnavailable at its deadline.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "lib/base/clock.h"
#include "sidecar/record/sink.h"

namespace postern::link {

struct LiveItem {
  record::RecordPtr record;
  base::Instant deadline;
  record::Done done;
  bool sent = false;  // over a link that is gone: its parent may have it
  bool keep = false;  // the parent's keeping is the answer, not the end's
};

class LiveQueue {
 public:
  // `on_push` is called after each Push: the link in force looks whether it can send.
  void OnPush(std::function<void()> on_push) { on_push_ = std::move(on_push); }

  void Push(LiveItem item);
  // Puts items in front again, in their order.
  void PutBack(std::vector<LiveItem> items);
  // Requires that the queue is not empty.
  const LiveItem& front() const { return items_.front(); }
  LiveItem Pop();
  // Answers what is past its deadline.
  void Expire(base::Instant now);

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  // Bytes of the bodies that wait.
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::deque<LiveItem> items_;
  std::uint64_t bytes_ = 0;
  std::function<void()> on_push_ = [] {};
};

class LiveFlight {
 public:
  // Returns the item's number on this link: 1, 2, 3 …
  std::uint64_t Add(LiveItem item);
  std::uint64_t next() const { return first_ + items_.size(); }

  // Answers `count` items from `first` on. False where the peer answers what was never sent; an
  // answer for an item that is answered already (its deadline passed) is ignored.
  [[nodiscard]] bool Answer(std::uint64_t first, std::uint64_t count, const record::Answer& answer);
  // Returns what is not answered, in order, and forgets it. The peer may have it: whoever gets it
  // next is told that it may be a repeat.
  std::vector<LiveItem> TakeAll();
  // Answers what is past its deadline: the outcome is unknown, the peer may still answer.
  void Expire(base::Instant now);

  std::size_t unanswered() const { return unanswered_; }
  // The record of an item that was added; null once it is answered.
  const LiveItem* Find(std::uint64_t number) const;

 private:
  void Finish(std::size_t index, const record::Answer& answer);
  void DropAnswered();

  std::uint64_t first_ = 1;
  std::deque<std::optional<LiveItem>> items_;  // nothing: answered, kept for those before it
  std::size_t unanswered_ = 0;
};

}  // namespace postern::link
