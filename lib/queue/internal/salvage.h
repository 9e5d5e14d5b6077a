// What can still be read of a file that is damaged, and copies of what was damaged, for people.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/recovery.h"

namespace postern::queue::internal {

// Reads `size` bytes, or as many as the file has. A sector that cannot be read damages what stands
// there and nothing else: it is read as zeroes; where many cannot, so are up to 64 KiB around one.
// kUnavailable where none of 16 can that lie all over the place: the device fails. No more than
// some 80 reads fail, and one for each such 64 KiB. The memory of `buffer` is used again.
base::Result<std::string> Salvage(const fs::File& file, std::uint64_t offset, std::uint64_t size,
                                  std::string buffer = {});
// All of a file.
base::Result<std::string> Salvage(fs::Folder& folder, const std::string& name,
                                  std::string buffer = {});

// The POSITION.damaged files of a folder: at most 16, with at most 1 MiB of a damage in each.
class DamagedFiles {
 public:
  // One that is there.
  void Add(std::uint64_t position) { positions_.insert(position); }
  // Copies the bytes of a damage, as well as the disk lets it: a full one must not keep the log
  // from opening or from being read. False where they were set aside before.
  bool SetAside(fs::Folder& folder, const Damage& damage);

 private:
  std::set<std::uint64_t> positions_;
};

}  // namespace postern::queue::internal
