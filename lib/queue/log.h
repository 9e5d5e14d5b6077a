// Log: the durable store-and-forward log of a relay. A record that it has committed is there again
// after any kill and any power cut, until every cursor is above it.
//
// Not the policy: who is refused, what is dropped for age or room, when to try again is the
// relay's. What it drops is in the ledger, synced, before its cursor moves on the disk.
//
//   loop                               disk thread
//   log.Append(entry)  → sequence
//   log.Collect()      → Work    ───►  log.writer().Do(work)  → Done
//   log.Apply(done)    ◄───────────────┘     → answer clients through applied.through
//
//   ASSIGN_OR_RETURN(auto log, Log::Open(storage, {.folder = path, .max_bytes = 1 << 30}, clock));
//
// One Work is out at a time; what comes meanwhile goes into the next one. Cursors wait for no sync:
// CollectCursors, writer().Write and ApplyCursors are a way of their own, which only writes.
// Commit() is all of it in a row, for who may wait.
//
// Threads: one at a time; writer() may be on another while a Work is out, and on a third while a
// CursorsWork is.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/cursors.h"
#include "lib/queue/internal/salvage.h"
#include "lib/queue/ledger.h"
#include "lib/queue/log_writer.h"
#include "lib/queue/marks.h"
#include "lib/queue/milestones.h"
#include "lib/queue/recovery.h"

namespace postern::queue {

struct LogOptions {
  std::string folder;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  std::uint64_t segment_bytes = 0;  // 0: max_bytes / 16, from 1 to 16 MiB
};

class Log {
 public:
  // Opens the log, whatever state its folder is in. kConflict where another process has it open,
  // kInvalid where a later version wrote it or max_bytes holds no two segments, kUnavailable where
  // the device fails: try again. After any other damage it opens with what is whole. `storage` and
  // `clock` outlive the log.
  static base::Result<std::unique_ptr<Log>> Open(fs::Storage& storage, LogOptions options,
                                                 const base::Clock& clock);

  const OpenReport& report() const { return report_; }
  const StoreId& store() const { return identity_.store; }
  // A parent knows more of this store than we do: the folder is an older copy of itself. Under a
  // new id nothing of it counts as known. Synced when it returns; no Work is out.
  base::Status TakeNewStore();

  // Takes a record and returns its sequence. It counts once a Work that holds it was applied.
  // Or leaves it as it is: kConflict where its sender's mark is there already, kExhausted where the
  // log is full, kInvalid where it never fits.
  base::Result<std::uint64_t> Append(Entry&& entry);
  // Returns what there is to do, unless that is nothing or a Work is out. Call it once a second
  // too: cursors are synced after that time, or where that frees a segment.
  std::optional<Work> Collect();
  LogWriter& writer() { return *writer_; }
  Applied Apply(Done done);
  // As Collect, of cursors that changed; nothing while the ledger is behind, which goes first.
  std::optional<CursorsWork> CollectCursors();
  void ApplyCursors(const CursorsWork& work, const base::Status& written);
  Applied Commit();

  // The highest synced sequence of a sender: what Welcome tells it.
  Mark SyncedMark(const Sender& sender) const { return marks_.Synced(sender); }
  bool IsRepeat(const Hop& hop) const { return marks_.IsRepeat(hop); }

  // Changes go to the disk with the next Work or CursorsWork. A new cursor begins below everything
  // there is.
  base::Status AddCursor(const std::string& name);
  base::Status RemoveCursor(const std::string& name);
  base::Status MarkDone(const std::string& name, std::uint64_t after, std::uint64_t through);
  const CursorTable& cursors() const { return cursors_; }
  // Whether a change of them waits to be collected.
  bool cursors_changed() const { return cursors_changed_; }

  // As MarkDone, for records that were not passed on: so many of (after, through], which were not
  // done before. kExhausted, and nothing is done, where too much waits for the ledger's disk.
  base::Status Drop(const std::string& name, std::uint64_t after, std::uint64_t through,
                    Reason reason, std::uint64_t records, std::uint64_t bytes);
  // Puts into the ledger what moves no cursor; 0 records where nobody could count them. kExhausted
  // as above.
  base::Status Note(Reason reason, const std::string& name, std::uint64_t after,
                    std::uint64_t through, std::uint64_t records, std::uint64_t bytes);
  // Drops, from every cursor that needs it, the lowest segment that any does; the newest, which is
  // written to, never. Returns what that took from each; nothing where there is no such segment.
  // Room comes with the Works that sync cursors and remove the segment: called again before, it
  // takes the next one. Damage that it meets is not counted in it; a LogReader tells of that.
  // kUnavailable where the segment cannot be read, kExhausted as above.
  // Of the records that `needs` says a cursor's reader would have passed on; without it, of all.
  using Needs = std::function<bool(const std::string& cursor, const StoredEntry& entry)>;
  base::Result<std::vector<Evicted>> EvictOldest(const Needs& needs = {});

  // Now, as StoredEntry tells when a record was taken: in ms, over restarts, never back.
  std::uint64_t age() const;
  // The highest sequence ever assigned, and the highest that is synced.
  std::uint64_t last_sequence() const { return next_sequence_ - 1; }
  std::uint64_t synced_through() const { return synced_through_; }
  // Bytes that the log takes of max_bytes, pending ones included.
  std::uint64_t bytes() const { return used_bytes_ + pending_bytes_; }
  // About how many of them some cursor still needs, and how many more can be taken.
  std::uint64_t NeededBytes() const;
  std::uint64_t FreeBytes() const;
  std::size_t segments() const { return segments_.size(); }
  std::uint64_t segment_bytes() const { return options_.segment_bytes; }
  const Milestones& milestones() const { return milestones_; }  // of what is synced

 private:
  friend class LogOpening;
  friend class LogReader;

  struct Segment {
    SegmentPart part;
    std::uint64_t room = 0;
  };

  Log(LogOptions options, const base::Clock& clock);

  Stamp Now() const;
  base::Status WriteIdentity(const Identity& identity);
  std::map<std::uint64_t, Segment>::iterator NewestSegment();
  void CollectRecords(Work& work);
  void CollectCursors(Work& work);
  CursorsWork EncodeCursors();
  void ApplySyncedCursors(const Done& done);
  bool WouldFreeASegment() const;
  bool CollectRemovals(Work& work);
  void CollectCheckpoint(Work& work, bool needed);
  void CollectLedger(Work& work);
  void AddToLedger(Reason reason, const Evicted& left);
  void ForgetMarks();
  bool DeviceWorks(std::uint64_t unreadable);
  void ApplyRecords(const Done& done, Applied& applied);
  void ApplyRooms(const Done& done);
  void CountRoom();

  LogOptions options_;
  const base::Clock& clock_;
  OpenReport report_;
  std::unique_ptr<fs::Folder> folder_;
  std::unique_ptr<fs::Lock> lock_;
  std::unique_ptr<LogWriter> writer_;
  Identity identity_;
  std::unique_ptr<internal::SlotFile> store_file_;
  std::uint64_t store_generation_ = 0;

  std::map<std::uint64_t, Segment> segments_;  // by position
  std::vector<Damage> holes_;                  // that the opening or a reader found, needed or not
  std::vector<Damage> untold_;                 // of them, by a reader
  std::map<std::uint64_t, std::uint64_t> unreadable_;  // segments, and syncs_ when that was seen
  std::uint64_t syncs_ = 0;                            // that went well
  internal::DamagedFiles damaged_files_;
  std::uint64_t writing_ = 0;  // position of the segment that is written to
  std::uint64_t end_ = 0;
  std::uint64_t used_bytes_ = 0;
  Milestones milestones_;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t synced_through_ = 0;

  std::deque<Entry> pending_;
  std::uint64_t pending_bytes_ = 0;  // of those in the Work that is out, too
  bool out_ = false;
  MarkTable marks_;
  std::uint64_t opened_age_ = 0;
  base::Instant opened_at_;
  std::uint64_t marks_forgotten_at_ = 0;  // age

  Ledger ledger_;
  bool ledger_out_ = false;
  CursorTable cursors_;
  bool cursors_changed_ = false;  // since they were collected
  bool cursors_out_ = false;      // in a CursorsWork
  std::uint64_t cursors_generation_ = 0;
  CursorsAt written_cursors_;  // surely, though not synced
  CursorsAt syncing_cursors_;  // the least that the Work that is out leaves on the disk
  base::Instant quiet_until_;  // after a failure with cursors or checkpoint
  std::uint64_t synced_generation_ = 0;
  std::uint64_t synced_floor_ = 0;
  base::Instant cursors_synced_at_;
  bool room_wanted_ = false;      // and comes sooner where cursors are synced at once
  bool refused_ = false;          // something was, for want of room, since a segment went
  std::uint64_t checkpoint_ = 0;  // position of the newest synced one
};

}  // namespace postern::queue
