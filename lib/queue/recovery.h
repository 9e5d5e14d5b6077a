// What of a log is whole, and what happened to the rest: decided from the bytes alone.
//
// Pure: the opening reads segments and hands them over in order, then does what this says.
//
//   const auto parts = BoundSegments(heads, checkpoint);
//   Recovery recovery;
//   for (…) parts[i].empty() ? recovery.Add(ScanSegment(bytes, position, tag))
//                            : recovery.AddUnread(parts[i], heads[i].head->former_end);
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

// A segment as far as it counts. Where its groups were not read, the sequences are bounds: none of
// its records is below the first or above the last.
struct SegmentPart {
  std::uint64_t position = 0;
  std::uint64_t end = 0;             // of its last group; position where it has none
  std::uint64_t first_sequence = 0;  // 0 where it has none
  std::uint64_t last_sequence = 0;

  bool empty() const { return last_sequence == 0; }
};

// A segment of which only the head was read.
struct SegmentGlance {
  std::uint64_t position = 0;
  std::uint64_t size = 0;           // of its file
  std::optional<SegmentHead> head;  // none where it is damaged
};

bool IsHeadOf(const SegmentHead& head, std::uint64_t position, const Tag& tag);

// Returns, for each segment, what its head and the next one's tell of it; an empty part where its
// groups have to be read: where the checkpoint does not cover all of it, where heads are damaged or
// do not fit, and the last two, because a later head may void what the one before ends with.
std::vector<SegmentPart> BoundSegments(const std::vector<SegmentGlance>& segments,
                                       std::uint64_t checkpoint);

// Groups that were synced and are not whole any more. Their sequences were between the two, which
// are those of the nearest records, or of a segment's bounds where those were not read.
struct Damage {
  std::uint64_t from = 0;  // positions
  std::uint64_t to = 0;
  std::uint64_t after = 0;   // none of theirs is at or below
  std::uint64_t before = 0;  // none is at or above; 0 where nothing follows
  bool known = false;        // its bytes were set aside, and it was counted, at an earlier opening

  bool operator==(const Damage&) const = default;
};

class Recovery {
 public:
  // Positions rise from call to call.
  void Add(const SegmentScan& scan);
  // A segment that BoundSegments knows, and its head's former end.
  void AddUnread(const SegmentPart& part, std::uint64_t former_end);
  // A segment of which nothing can be read, and where it ends at the latest: damaged, as far as no
  // later one says that the log before it ends below.
  void AddUnreadable(std::uint64_t position, std::uint64_t end);

  // False where what was read voids what was not, or tells of no group: then all is to be read.
  bool fits() const { return fits_ && (unread_end_ == 0 || last()); }

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
  // Something whole follows what was damaged last.
  void EndDamages(std::uint64_t first_sequence);
  void Keep(const FoundGroup& group);
  void DropLast();

  std::vector<SegmentPart> segments_;
  std::vector<Damage> damages_;
  std::deque<Kept> kept_;  // of the last two segments, no later one can void more; one at least
  std::uint64_t reached_ = 0;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t unread_end_ = 0;  // of the last part that was not read
  bool fits_ = true;
};

// What opening a log found.
struct OpenReport {
  bool new_store = false;                // a new id: the folder is new, or its own was unreadable
  std::vector<Damage> damages;           // of records that somebody still needs; see LogReader
  std::vector<std::uint64_t> set_aside;  // positions of *.damaged files that are new
  bool lost_checkpoint = false;          // one that a head names: marks may be lower than they were
  bool lost_cursors = false;  // they stand where a checkpoint or the log's begin has them
};

}  // namespace postern::queue
