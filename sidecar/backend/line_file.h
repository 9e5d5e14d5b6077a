// LineFile: a file that grows by whole lines, and by nothing else, and that knows afterwards which
// records of a store it holds.
//
//   LineFile file(storage, "/var/lib/postern/delivered", "logs");   // logs.jsonl
//   RETURN_IF_ERROR(file.Open(clock.Now()));
//   if (file.Through(store) < 17) RETURN_IF_ERROR(file.Append("{…}\n{…}\n", {store, 17}));
//
// What Append answered with OK survives a kill and a power cut. Of what it did not come to answer
// the next Open keeps all or nothing: a state file beside it (line_state.h) tells where the lines
// began, how many bytes they were and their checksum.
//
//   state: these lines come, synced │ append │ sync │ state: they are there │ answer
//
// Follows a rotation: where another file, or none, has the name, that is opened, within a second.
// What is no regular file, such as /dev/stdout, is only written to.
//
// Threads: loop (its owner's: the thread that writes).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "sidecar/backend/line_state.h"

namespace postern::backend {

class LineFile {
 public:
  // Everything of this store is in the file, up to this sequence.
  struct Progress {
    record::StoreId store{};
    std::uint64_t through = 0;
  };

  // Opens nothing yet. `storage` outlives it. The folder is not made here: one that vanished may be
  // a volume that is not mounted, and writing below it would fill another disk.
  LineFile(fs::Storage& storage, std::string folder, const std::string& name);

  // Opens the file where it is not open, or was rotated away: brings to an end what a process
  // before, or a fault, left open, and cuts off a last line without an end. kUnavailable, with the
  // path and the system's words.
  base::Status Open(base::Instant now);

  // Through which sequence the file has everything of this store. Requires that it was opened.
  std::uint64_t Through(const record::StoreId& store) const;
  const Progress& progress() const { return progress_; }

  // Appends all of `lines` and remembers what they bring the file to; or, once it is open again,
  // neither. Requires that it is open. kUnavailable as above: it is closed then.
  base::Status Append(std::string_view lines, const Progress& then);

 private:
  base::Status TryOpen();
  base::Status OpenRegular();
  base::Status OpenState();
  base::Status Recover();
  base::Result<bool> Settle(const LineGroup& group);
  base::Result<std::unique_ptr<fs::File>> Find(std::uint64_t inode) const;
  base::Status TryAppend(std::string_view lines, const Progress& then);
  bool WasRotated() const;
  void Close();

  fs::Storage& storage_;
  const std::string folder_path_;
  const std::string name_;
  const std::string state_name_;
  std::unique_ptr<fs::Folder> folder_;
  std::unique_ptr<fs::File> file_;  // open
  fs::FileId id_;
  std::unique_ptr<fs::Lock> lock_;
  std::unique_ptr<LineState> state_;  // of a regular file
  base::Instant checked_;
  Progress progress_;
  bool known_ = false;  // progress_ is what the files tell
  // Not to be found whole, whatever it looks like: a sync of it failed.
  std::optional<LineGroup> failed_;
};

}  // namespace postern::backend
