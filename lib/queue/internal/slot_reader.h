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

// How a SlotFile is cut into slots.
struct SlotShape {
  std::size_t slots = 0;  // 2 or 3
  std::size_t slot_size = 0;
  std::size_t former_slot_size = 0;  // of the two slots that a former version made; 0: of no size

  constexpr std::size_t size() const { return slots * slot_size; }
  constexpr std::size_t former_size() const { return 2 * former_slot_size; }
};

// As docs/log-format.md has them.
inline constexpr SlotShape kStoreShape{.slots = 2, .slot_size = 4096};
inline constexpr SlotShape kCursorsShape{
    .slots = 3, .slot_size = 528'384, .former_slot_size = 266'240};
inline constexpr std::uint32_t kSlotMagic = 0x544c5350;  // "PSLT"
inline constexpr std::uint32_t kSlotVersion = 1;

struct Slot {
  std::size_t index = 0;
  std::uint64_t generation = 0;
  std::string_view value;
};

// Nothing where the slot is empty or damaged.
std::optional<Slot> ParseSlot(std::string_view bytes);
// The one of the highest generation; nothing where none is whole.
std::optional<Slot> NewestSlot(std::string_view bytes, std::size_t slot_size);

struct SlotsRead {
  std::optional<std::string> value;  // the newest that is whole; nothing where there is none
  bool blank = false;                // the file was made, and no value was ever written
};

// kNotFound where the file is missing, kUnavailable where it cannot be read.
base::Result<SlotsRead> ReadSlots(const fs::FolderReader& folder, const std::string& name,
                                  const SlotShape& shape);

}  // namespace postern::queue::internal
