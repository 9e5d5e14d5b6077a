// LogWriter: the log's half that waits for the disk.
//
// It does a Work as a whole and says in a Done what became of it; what that means is for the Log.
// The order is that of docs/log-format.md: nothing counts before it is synced, and no file is used
// again after a write or sync of it failed.
//
// Threads: Do on one and Write on another, neither of which is the Log's, if the relay likes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/entry.h"
#include "lib/queue/internal/ledger_file.h"
#include "lib/queue/internal/slot_file.h"
#include "lib/queue/ledger.h"
#include "lib/queue/log_format.h"
#include "lib/queue/log_state.h"

namespace postern::queue {

// The cursors at a time. A higher generation is a later one.
struct CursorsAt {
  std::uint64_t generation = 0;
  std::uint64_t floor = 0;  // the lowest of them
};
struct CursorsWork {
  CursorsAt at;
  std::string bytes;  // CursorTable's
};

// What the disk is to do next. Parts that are empty are left out.
struct Work {
  std::vector<Entry> entries;  // one group
  std::uint64_t first_sequence = 0;
  Stamp stamp;
  std::vector<LedgerEntry> ledger;  // synced before the cursors and the checkpoint are touched
  std::optional<CursorsWork> cursors;
  bool sync_cursors = false;  // these, or what was written before
  std::optional<Checkpoint> checkpoint;
  bool checkpoint_can_wait = false;   // no segment waits for it: not worth an older one
  std::vector<std::uint64_t> remove;  // segments, by position
};

struct Done {
  Work work;  // what it was
  base::Status records;
  base::Status ledger;
  base::Status cursors;  // the ledger's fault too, and so is the checkpoint's
  std::uint64_t synced_cursors =
      0;  // the generation that the disk has now; 0 where it was not asked
  base::Status checkpoint;
  // Where the records are now.
  std::uint64_t segment = 0;
  std::uint64_t end = 0;
  // Segments whose room on the disk changed: position, bytes; 0 bytes where one is gone.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rooms;
};

// What became of a Work, as the log tells it.
struct Applied {
  // Whether its records are kept, or none were in it. Where not, nor are those appended since:
  // every sequence from `refused_from` on is refused, and senders go on from their synced marks.
  base::Status records;
  std::uint64_t through = 0;  // the last synced sequence
  std::uint64_t refused_from = 0;
  base::Status ledger;  // where it fails, so do the two below; all is tried again
  base::Status cursors;
  base::Status checkpoint;
};

class LogWriter {
 public:
  struct Options {
    Tag tag{};
    std::uint64_t segment_bytes = 0;
    std::uint64_t end = 0;                   // of the log so far
    std::uint64_t next_position = 0;         // of the next segment
    std::uint64_t checkpoint = 0;            // position of the newest; 0 where there is none
    std::vector<std::uint64_t> checkpoints;  // rising; the last is whole, as far as known
  };

  // `folder` is a handle of the writer's own: the log reads through another.
  LogWriter(std::unique_ptr<fs::Folder> folder, std::unique_ptr<internal::SlotFile> cursors,
            internal::LedgerFile ledger, Options options)
      : folder_(std::move(folder)),
        cursors_(std::move(cursors)),
        ledger_(std::move(ledger)),
        options_(std::move(options)) {}

  Done Do(Work work);
  // Writes cursors and syncs nothing: a kill does not take them back from here on.
  base::Status Write(const CursorsWork& cursors);

 private:
  struct Segment {
    std::unique_ptr<fs::File> file;
    std::uint64_t position;
    std::uint64_t capacity;
    std::uint64_t used;
  };

  void WriteRecords(Done& done);
  base::Status TryGroup(Group& group, Done& done);
  base::Status BeginSegment(const Group& group, Done& done);
  base::Result<std::unique_ptr<fs::File>> MakeSegment(const SegmentHead& head);
  void EndSegment(Done& done);
  base::Status WriteCursors(Done& done);
  base::Status WriteCheckpoint(const Checkpoint& checkpoint, bool can_wait);
  base::Status WriteNewFile(const std::string& name, std::string_view bytes);
  base::Status WriteToSpare(const std::string& name, std::string_view bytes);
  void KeepSpare();
  base::Status ForgetCheckpoint();
  void Remove(std::uint64_t position, Done& done);

  std::unique_ptr<fs::Folder> folder_;
  std::unique_ptr<internal::SlotFile> cursors_;
  internal::LedgerFile ledger_;
  Options options_;
  std::optional<Segment> segment_;      // the one that is written to
  std::uint64_t spare_bytes_ = 0;       // of the spare file, as far as known
  std::uint64_t checkpoint_bytes_ = 0;  // of the last one
};

}  // namespace postern::queue
