// What of a log is whole, and what happened to the rest: decided from the bytes alone.
//
// Pure: the opening reads segments and hands them over in order, then does what this says.
//
//   Recovery recovery;
//   for (…) recovery.Add(ScanSegment(bytes, position, tag));
//   recovery.end();   // where the log ends; what follows was never synced, it is cut
//
//   segment A              segment B                         segment C
//   │head│ 1 │ 2 │▒▒▒│ 4 │ │head│ 5 │ 6 │ 7: its sync failed │ │head: former end = end of 6│ 7 │
//                 ▲                      ▲
//                 damaged: 4 says where 3 ended              void: not damaged, just not so
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/queue/log_format.h"

namespace postern::queue {

struct FoundGroup {
  GroupHead head;
  std::uint64_t previous_end = 0;
};

// Looks for the first whole group at or behind `from` in a segment's bytes. Nothing where there is
// none. `from` is where a group may begin.
std::optional<FoundGroup> FindGroup(std::string_view segment, std::size_t from,
                                    std::uint64_t position, const Tag& tag);

struct SegmentScan {
  std::uint64_t position = 0;
  std::optional<SegmentHead> head;  // none where it is damaged
  std::vector<FoundGroup> groups;   // whole ones, rising
};

SegmentScan ScanSegment(std::string_view bytes, std::uint64_t position, const Tag& tag);

// A segment as far as it counts.
struct SegmentPart {
  std::uint64_t position = 0;
  std::uint64_t end = 0;             // of its last group; position where it has none
  std::uint64_t first_sequence = 0;  // 0 where it has none
  std::uint64_t last_sequence = 0;

  bool empty() const { return last_sequence == 0; }
};

// Groups that were synced and are not whole any more. Their sequences were between the two.
struct Damage {
  std::uint64_t from = 0;  // positions
  std::uint64_t to = 0;
  std::uint64_t after = 0;   // the last sequence before
  std::uint64_t before = 0;  // the first sequence behind; 0 where nothing follows

  bool operator==(const Damage&) const = default;
};

class Recovery {
 public:
  // Positions rise from call to call.
  void Add(const SegmentScan& scan);

  const std::vector<SegmentPart>& segments() const { return segments_; }
  const std::vector<Damage>& damages() const { return damages_; }
  // Where the log ends, as the next segment's head is to say.
  std::uint64_t end() const { return reached_; }
  // The last group that counts.
  std::optional<FoundGroup> last() const;
  std::uint64_t last_sequence() const { return last_sequence_; }

 private:
  struct Kept {
    std::size_t segment = 0;
    FoundGroup group;
  };

  // Somebody whole says that the log before it ends at `end`.
  void ReachTo(std::uint64_t end);
  void Keep(const FoundGroup& group);
  void DropLast();

  std::vector<SegmentPart> segments_;
  std::vector<Damage> damages_;
  std::deque<Kept> kept_;  // of the last two segments: no later one can void more
  std::uint64_t reached_ = 0;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace postern::queue
