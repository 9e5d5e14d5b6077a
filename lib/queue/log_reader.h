// LogReader: reads a log's synced records in order, a group at a time.
//
//   LogReader reader(log);
//   ASSIGN_OR_RETURN(auto entries, reader.Read(after));   // empty: nothing is above `after` yet
//   after = entries.back().sequence;
//
// Going on where the last call ended costs one read; going elsewhere, one more for each group of
// the segment before the place. What is damaged and was not found by the opening is found here: it
// is passed over, set aside and told of.
//
// Threads: the log's.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/entry.h"
#include "lib/queue/log.h"

namespace postern::queue {

class LogReader {
 public:
  // `log` outlives the reader.
  explicit LogReader(Log& log) : log_(log) {}

  // Returns the synced records above `after` that are in one group, rising. kUnavailable where the
  // disk cannot be read.
  base::Result<std::vector<StoredEntry>> Read(std::uint64_t after);

  // Returns what this reader, another or an eviction passed over because it is damaged, of records
  // that somebody still needs: to be called after each Read, before its records are used. Each
  // damage is told once, to whoever asks first, and not where the opening's report has it.
  std::vector<Damage> TakeDamages() { return std::exchange(log_.untold_, {}); }

 private:
  struct ReadGroup {
    GroupHead head;
    std::vector<StoredEntry> entries;  // none where all are known already
  };

  base::Status OpenSegment(const SegmentPart& part);
  base::Result<std::vector<StoredEntry>> ReadIn(const SegmentPart& part, std::uint64_t after);
  base::Result<ReadGroup> GroupAt(std::uint64_t position, std::uint64_t end,
                                  std::uint64_t after) const;
  bool IsLost(const SegmentPart& part, const base::Error& error);
  base::Status PassOver(const SegmentPart& part, const base::Error& error);
  void Tell(Damage damage);

  Log& log_;
  std::unique_ptr<fs::File> file_;
  std::uint64_t segment_ = ~std::uint64_t{0};  // position of the open one
  std::uint64_t next_ = 0;                     // position of the next group
  std::uint64_t read_ = 0;                     // the last sequence before it
};

}  // namespace postern::queue
