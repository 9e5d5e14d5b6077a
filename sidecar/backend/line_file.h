// LineFile: a file that grows by whole lines, and by nothing else.
//
//   LineFile file("/var/lib/postern/delivered/logs.jsonl");
//   RETURN_IF_ERROR(file.Append("{…}\n{…}\n", clock.Now()));
//
// Follows a rotation: where another file, or none, has the name, that is opened, within a second.
// Written is not synced: after a power cut the last seconds may be missing (fdatasync comes with
// the durable queue).
//
// Threads: loop (its owner's: the thread that writes).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace postern::backend {

class LineFile {
 public:
  // Opens nothing yet. The folder is not made here: one that vanished may be a volume that is not
  // mounted, and writing below it would fill another disk.
  explicit LineFile(std::string path) : path_(std::move(path)) {}
  ~LineFile() { Close(); }
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // Appends all of `lines` or, seen from outside, nothing: what a full disk took of it is cut off
  // again. A last line without an end, which a crash can leave, is cut off when the file is opened:
  // nobody was told that it was written. kUnavailable, with the path and the system's words.
  base::Status Append(std::string_view lines, base::Instant now);

  const std::string& path() const { return path_; }

 private:
  base::Status Open();
  base::Status CutTornLine();
  base::Status CutTo(off_t size);
  bool WasRotated() const;
  void Close();
  base::Error Failed(std::string_view doing, int error) const;

  const std::string path_;
  int fd_ = -1;
  bool regular_ = false;  // anything else, such as /dev/stdout, has no size to go back to
  base::Instant checked_;
};

}  // namespace postern::backend
