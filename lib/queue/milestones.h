// Milestones: how many bytes of a log stand above a sequence. Knows it to within a sixteenth of a
// segment, and nothing of gaps between segments: what a record takes counts, not where it lies.
//
//   milestones.Add(1, 40, 4096);              // records 1 to 40 took 4,096 bytes
//   milestones.Add(41, 41, 1000);
//   milestones.BytesAbove(40);                // 1,000
//   milestones.SequenceBehind(999);           // 40
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>

namespace postern::queue {

class Milestones {
 public:
  explicit Milestones(std::uint64_t segment_bytes) : spacing_(segment_bytes / 16) {}

  // The log has grown by records from `first` through `through`. Both rise.
  void Add(std::uint64_t first, std::uint64_t through, std::uint64_t bytes);
  // Nobody asks for what is at or below `through` any more.
  void Forget(std::uint64_t through);

  // About how many bytes the records above `sequence` take; exactly 0 above the last.
  std::uint64_t BytesAbove(std::uint64_t sequence) const;
  // The highest sequence that is known to have more than `bytes` above it; 0 where none is.
  std::uint64_t SequenceBehind(std::uint64_t bytes) const;

 private:
  struct Stone {
    std::uint64_t first = 0;
    std::uint64_t through = 0;
    std::uint64_t before = 0;  // bytes below it, of all that was ever added
    std::uint64_t bytes = 0;
  };

  const std::uint64_t spacing_;
  std::deque<Stone> stones_;  // rising
  std::uint64_t total_ = 0;
};

}  // namespace postern::queue
