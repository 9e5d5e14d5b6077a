// LogOpening: what Log::Open does, in the order of docs/log-format.md.
//
// Decisions are Recovery's; this reads, does what they say, and syncs before anything counts.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/queue/internal/ledger_file.h"
#include "lib/queue/internal/slot_file.h"
#include "lib/queue/log.h"
#include "lib/queue/recovery.h"

namespace postern::queue {

class LogOpening {
 public:
  // `log` is empty and outlives the opening.
  explicit LogOpening(Log& log) : log_(log) {}

  base::Status Run(fs::Storage& storage);

 private:
  base::Status ListFiles();
  base::Status ReadIdentity();
  base::Status AdoptTag();
  base::Status ReadSegments();
  base::Result<std::vector<SegmentGlance>> Glance();
  base::Result<SegmentGlance> GlanceAt(std::uint64_t position);
  base::Status PassOver(std::uint64_t position, const base::Error& error);
  base::Status CheckDevice();
  base::Status Recover(const std::vector<SegmentGlance>& glances,
                       const std::vector<SegmentPart>& parts);
  base::Status WriteAgain(const std::string& name, std::uint64_t offset, std::size_t size);
  base::Status WriteLastAgain();
  base::Status TidySegments();
  base::Status ReadCheckpoint();
  base::Status ReadCursors();
  base::Status ReadMarks();
  base::Status RemoveSegment(std::uint64_t position);
  base::Status BeginSequences();
  void SetAge();

  Log& log_;
  std::vector<std::uint64_t> segments_;
  std::vector<std::uint64_t> checkpoints_;
  std::set<std::uint64_t> strange_;                  // segments that are not surely ours
  std::map<std::uint64_t, base::Error> unreadable_;  // segments of which nothing can be read
  std::unique_ptr<internal::SlotFile> cursors_;
  internal::LedgerFile ledger_;
  std::string checkpoint_cursors_;
  Recovery recovery_;
  std::uint64_t unread_through_ = 0;  // sequence: the marks up to here are the checkpoint's
  std::uint64_t next_position_ = 0;
  std::uint64_t named_checkpoint_ = 0;  // by the newest head
};

}  // namespace postern::queue
