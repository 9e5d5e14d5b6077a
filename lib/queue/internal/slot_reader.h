// Reads a SlotFile's value without the right to write it: for who only looks at a log.
//
// A relay may be writing a slot meanwhile; the other one is whole then.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/fs/storage.h"

namespace postern::queue::internal {

// Bytes of a slot, as docs/log-format.md has them.
inline constexpr std::size_t kStoreSlotSize = 4096;
inline constexpr std::size_t kCursorsSlotSize = 266'240;
inline constexpr std::uint32_t kSlotMagic = 0x544c5350;  // "PSLT"
inline constexpr std::uint32_t kSlotVersion = 1;

struct Slot {
  std::uint64_t generation = 0;
  std::string_view value;
};

// Nothing where the slot is empty or damaged.
std::optional<Slot> ParseSlot(std::string_view bytes);

struct SlotsRead {
  std::optional<std::string> value;  // the newest that is whole; nothing where there is none
  bool blank = false;                // the file was made, and no value was ever written
};

// kNotFound where the file is missing, kUnavailable where it cannot be read.
base::Result<SlotsRead> ReadSlots(const fs::FolderReader& folder, const std::string& name,
                                  std::size_t slot_size);

}  // namespace postern::queue::internal
