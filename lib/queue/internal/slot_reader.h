// Reads a SlotFile's value without the right to write it: for who only looks at a log.
//
// A relay may be writing a slot meanwhile; the other one is whole then.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/result.h"
#include "lib/fs/storage.h"

namespace postern::queue::internal {

// Bytes of a slot, as docs/log-format.md has them.
inline constexpr std::size_t kStoreSlotSize = 4096;
inline constexpr std::size_t kCursorsSlotSize = 266'240;

struct SlotsRead {
  std::optional<std::string> value;  // the newest that is whole; nothing where there is none
  bool blank = false;                // the file was made, and no value was ever written
};

// kNotFound where the file is missing, kUnavailable where it cannot be read.
base::Result<SlotsRead> ReadSlots(const fs::FolderReader& folder, const std::string& name,
                                  std::size_t slot_size);

}  // namespace postern::queue::internal
