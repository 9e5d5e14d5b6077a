// SlotFile: one small value that is replaced whole, in a file that was made at its full size, so
// that replacing it needs no room on the disk.
//
// Two slots, each with a generation and a checksum. A value is written over the other slot than
// the one that was synced last: whatever happens meanwhile, one of them is whole.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/fs/storage.h"

namespace postern::queue::internal {

class SlotFile {
 public:
  // Opens the file, or makes it where it is missing or has another size. What was read, and
  // the file itself, is synced then, whatever the process before left in the cache.
  static base::Result<SlotFile> Open(fs::Folder& folder, const std::string& name,
                                     std::size_t slot_size);

  // The newest value that is whole; nothing where there is none.
  const std::optional<std::string>& value() const { return value_; }
  // `value` fits a slot. Written is not yet synced.
  base::Status Write(std::string_view value);
  base::Status Sync();

 private:
  SlotFile(std::unique_ptr<fs::File> file, std::size_t slot_size)
      : file_(std::move(file)), slot_size_(slot_size) {}

  base::Status Load();
  base::Status WriteSlot(std::size_t slot, std::uint64_t generation, std::string_view value);

  std::unique_ptr<fs::File> file_;
  std::size_t slot_size_;
  std::optional<std::string> value_;
  std::uint64_t generation_ = 0;  // the highest that was written
  bool written_ = false;          // since the last sync
  std::size_t synced_ = 1;        // the slot that is surely whole; the first value goes to slot 0
};

}  // namespace postern::queue::internal
