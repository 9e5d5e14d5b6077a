// LedgerFile: the ledger's ring on the disk, made at its full size, so that writing it needs no
// room.
//
//   LedgerFile file;
//   ASSIGN_OR_RETURN(const auto found, file.Open(folder));
//   RETURN_IF_ERROR(file.Write(folder, entries));   // synced as well
//
// Threads: one at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/ledger.h"

namespace postern::queue::internal {

class LedgerFile {
 public:
  // Opens the file and returns its entries, or makes it where it is missing or has another size;
  // a full disk leaves that to the first Write, because a log always opens. What was read is
  // synced then, whatever the process before left in the cache. kUnavailable where the device
  // fails as a whole.
  base::Result<std::vector<LedgerEntry>> Open(fs::Folder& folder);

  // Writes each entry into its slot and syncs them. After a failure they are written again.
  base::Status Write(fs::Folder& folder, std::span<const LedgerEntry> entries);

 private:
  base::Status Make(fs::Folder& folder);
  base::Status SyncAll(fs::Folder& folder);
  base::Result<std::string> Read() const;

  std::unique_ptr<fs::File> file_;  // null where it could not be made
};

}  // namespace postern::queue::internal
