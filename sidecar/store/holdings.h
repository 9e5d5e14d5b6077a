// Holdings: how old the records are that a store keeps for its readers, told without the disk.
//
// Records that came within a second of each other share a span, and longer ones where there would
// be too many: an age is the oldest's of its span, never less than the record's own.
//
//   holdings.Add(sequence, sequence, age);    // was synced now, or was read back
//   holdings.Pass(floor);                     // nobody needs what is at or below
//   holdings.OldestAge(floor);                // of the first above
//
// What a store held before it was opened is known once a reader has read it.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace postern::store {

class Holdings {
 public:
  static constexpr std::uint64_t kSpanAge = 1000;  // ms, until there are too many
  static constexpr std::size_t kMostSpans = 4096;

  // The records of (after, through] were taken at `age`, or later. Known ones may come again.
  void Add(std::uint64_t after, std::uint64_t through, std::uint64_t age);
  // Forgets what is at or below.
  void Pass(std::uint64_t floor);
  // The age of the first record above `floor`, as far as known.
  std::optional<std::uint64_t> OldestAge(std::uint64_t floor) const;

  std::size_t spans() const { return spans_.size(); }

 private:
  struct Span {
    std::uint64_t through = 0;
    std::uint64_t age = 0;
  };
  void JoinNeighbours();

  std::uint64_t span_age_ = kSpanAge;
  std::map<std::uint64_t, Span> spans_;  // by `after`; they do not overlap
};

}  // namespace postern::store
