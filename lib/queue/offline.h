// Offline: what the queue's folder of a running or a stopped relay holds, for people.
//
// Repairs nothing, writes nothing, takes no lock. What a relay that runs meanwhile has not finished
// is "not synced yet", and a segment that goes while it is read was passed on: neither is damage.
//
//   ASSIGN_OR_RETURN(const auto folder, storage.OpenToRead("/var/lib/postern/queue"));
//   ASSIGN_OR_RETURN(const Inspection inspection, Inspect(*folder));
//   for (const Finding& damage : inspection.damages) …
//
// Damage of the last group cannot be told from one that was never synced: it is only seen where a
// cursor is above it.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/cursors.h"
#include "lib/queue/entry.h"
#include "lib/queue/ledger.h"
#include "lib/queue/log_format.h"
#include "lib/queue/recovery.h"

namespace postern::queue {

struct Finding {
  enum class Kind : std::uint8_t {
    kGroups,      // records that were synced are not whole any more, `where` they were
    kEnd,         // a cursor is at `where.before`, the log ends at `where.after`
    kHead,        // a segment's head; its groups may be whole
    kSectors,     // the device does not read all of the file: `where` from the first to the last
    kUnreadable,  // nothing of a segment can be read: the device fails, or the right is missing
    kForeign,     // a segment of another log
    kStore,       // who the store is: the next opening takes a new id
    kCursors,     // how far the readers are: the next opening takes the checkpoint's
    kCheckpoint,  // marks and cursors up to `where.from`: the next opening knows older marks
  };
  Kind kind = Kind::kGroups;
  std::string file;     // its name in the folder
  Damage where;         // zeroes where they do not apply
  bool needed = false;  // of kGroups: not every reader was above it

  bool operator==(const Finding&) const = default;
};

struct SegmentSummary {
  SegmentPart part;
  std::uint64_t bytes = 0;  // of its file
  std::uint64_t groups = 0;
  std::uint64_t records = 0;
};

struct CursorSummary {
  std::string name;
  Cursor cursor;
  std::uint64_t behind = 0;  // records that are not done
};

// A *.damaged file: what an opening set aside.
struct SetAside {
  std::uint64_t position = 0;
  std::optional<std::uint64_t> bytes;  // none where it may not be opened
};

struct Inspection {
  std::optional<StoreId> store;  // none where it cannot be read
  std::uint64_t open_count = 0;

  std::vector<SegmentSummary> segments;
  std::uint64_t bytes = 0;  // of the segments' files
  std::uint64_t groups = 0;
  std::uint64_t records = 0;
  Stamp first;  // of the first group and of the last; zeroes without one
  Stamp last;
  std::uint64_t unsynced = 0;  // bytes behind the last whole group
  std::uint64_t removed = 0;   // segments that went while this was read

  std::vector<CursorSummary> cursors;       // by name
  std::optional<std::uint64_t> checkpoint;  // position of the newest whole one
  std::map<Sender, std::uint64_t> marks;    // as an opening would find them
  std::vector<SetAside> set_aside;
  std::vector<Finding> damages;
};

// Reads all there is. A segment that cannot be read is damage. kNotFound where this is no queue's
// folder, kInvalid where a later version wrote it; kUnavailable where the device fails and kDenied
// where we may not read: the folder, or the files beside the segments.
base::Result<Inspection> Inspect(const fs::FolderReader& folder);

// Sequences, both bounds as in a cursor: above `after`, at most `through`.
struct Range {
  std::uint64_t after = 0;
  std::uint64_t through = ~std::uint64_t{0};
};

// Hands the synced records of a range to `visit`, rising; an error of it ends the reading. Returns
// what was damaged in the range. Fails as Inspect does.
base::Result<std::vector<Damage>> ReadEntries(
    const fs::FolderReader& folder, const Range& range,
    const std::function<base::Status(const StoredEntry&)>& visit);

// The entries of its ledger, rising by number: none where the relay has written none yet. Fails as
// Inspect does.
base::Result<std::vector<LedgerEntry>> ReadLedger(const fs::FolderReader& folder);

}  // namespace postern::queue
