// OriginLine: which records of one origin a backend gets next: in order, one request at a time,
// and past one that it refuses again and again while it takes those behind.
//
// Pure: sends nothing and knows no clock; backend_feed.h does what it says.
//
//   head │ behind │ …
//    1   │   2    │ 3     refused kPatience times: the record behind has a turn
//    1   │   2    │ 3     refused as well: the backend is down, and the head has its turn again
//    3   │        │       taken: 2 is done and 1 is parked; order is broken
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace postern::relay {

class OriginLine {
 public:
  // So often the head is refused before the record behind it is tried.
  static constexpr int kPatience = 16;

  void Add(std::uint64_t sequence) { waiting_.push_back(sequence); }
  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  std::uint64_t at(std::size_t index) const { return waiting_[index]; }
  // The first leaves without a request. Requires that none is out.
  void DropFront();

  // Where the next request begins: at the head, or behind it.
  std::size_t first() const { return behind_ ? 1 : 0; }
  // Whether it holds one record only; else as many neighbours as fit.
  bool alone() const { return behind_ || alone_ > 0; }
  // A request of so many is out. Requires that none is.
  void Request(std::size_t count) { requested_ = count; }
  bool is_out() const { return requested_ > 0; }
  // Whether it is of several records.
  bool is_merged() const { return requested_ > 1; }
  // Whether the head was refused and waits for its next turn.
  bool is_refused() const { return refused_ > 0; }

  // What an answer ended. Each requires that a request is out, and it is not any more.
  struct End {
    std::vector<std::uint64_t> done;      // left the line: taken, or at fault
    std::optional<std::uint64_t> parked;  // left it too, and is still to be delivered
  };
  End OnTaken();
  // A fault of the body. Nothing is done where several were merged: each by itself tells whose.
  End OnFault();
  // Any other refusal. Returns whether the record behind has its turn now, without a wait; only
  // where `may_park`.
  bool OnRefused(bool may_park);
  // The record behind may not have its turn after all.
  void Hold() { behind_ = false; }

 private:
  void Split();
  void Remove(std::size_t index, std::size_t count);

  std::deque<std::uint64_t> waiting_;
  std::size_t requested_ = 0;  // from first() on
  std::size_t alone_ = 0;      // so many from the front go one by one: merged, they were refused
  int refused_ = 0;            // times, the head
  int refused_merged_ = 0;     // times, all of those that go one by one
  bool behind_ = false;
};

}  // namespace postern::relay
