// SegmentSurvey: reads a log's segments in order and says of each what counts, for who only looks.
//
// A relay may be writing meanwhile. What stands before a whole group was written before it, so a
// gap is read a second time before it is believed; what stands behind the last one is not synced
// yet. Segments are removed from the lowest on: one that is gone was passed on, with all before it.
//
//   SegmentSurvey survey(folder, tag);
//   RETURN_IF_ERROR(survey.Run(positions, [&](const SettledSegment& segment) { … return Status();
//   }));
//
// What a segment holds is certain once two more were read: three are in memory at a time.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/recovery.h"

namespace postern::queue::internal {

inline constexpr std::size_t kSector = 512;

struct SettledSegment {
  SegmentPart part;
  std::optional<SegmentHead> head;  // none where it is damaged, or another log's
  bool foreign = false;             // its head is whole and of another log
  std::uint64_t size = 0;           // of its file
  std::vector<FoundGroup> groups;   // those that count, rising
  base::Bytes bytes;
  std::vector<std::uint64_t> unreadable;  // positions of sectors that cannot be read
  bool unread = false;                    // nothing of it can be: the device, or the right to

  base::Bytes BytesOf(const GroupHead& group) const {
    return bytes.Slice(group.position - part.position, group.size);
  }
};

class SegmentSurvey {
 public:
  using Visit = std::function<base::Status(const SettledSegment&)>;

  // `folder` outlives the survey.
  SegmentSurvey(const fs::FolderReader& folder, const Tag& tag) : folder_(folder), tag_(tag) {}

  // Visits the segments at these positions, which rise; ends with the first error of a visit.
  // One of which nothing can be read is visited without groups: its neighbours bound what is
  // damaged. kInvalid where a later version wrote one.
  base::Status Run(const std::vector<std::uint64_t>& positions, const Visit& visit);

  // The rest is told once Run is through.
  const std::vector<Damage>& damages() const { return damages_; }
  // Segments that were removed before they could be read.
  std::uint64_t removed() const { return removed_; }

 private:
  base::Status Read(SettledSegment& segment) const;
  void Add(SettledSegment segment, std::optional<std::uint64_t> next);
  base::Status ReadBytes(const fs::File& file, std::uint64_t size, SettledSegment& into) const;
  base::Status Settle(std::size_t left, const Visit& visit);
  void Restart();

  const fs::FolderReader& folder_;
  const Tag tag_;
  Recovery recovery_;
  std::deque<SettledSegment> pending_;
  std::size_t settled_ = 0;  // of the recovery's segments
  std::vector<Damage> damages_;
  std::uint64_t removed_ = 0;
};

}  // namespace postern::queue::internal
