#include "lib/queue/internal/slot_reader.h"

#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"

namespace postern::queue::internal {

using base::Result;

namespace {

constexpr std::size_t kCrcAt = 20;
// Both slots can be caught half written where the second one's turn comes while the file is read.
constexpr int kAttempts = 3;

SlotsRead ParseSlots(std::string_view bytes, const SlotShape& shape) {
  SlotsRead read;
  read.blank = bytes.find_first_not_of('\0') == std::string_view::npos;
  // The relay makes a file of another size anew: what stands in it counts for nothing.
  const bool former = bytes.size() == shape.former_size();
  if (bytes.size() != shape.size() && !former) return read;
  const auto slot = NewestSlot(bytes, former ? shape.former_slot_size : shape.slot_size);
  if (slot) read.value = std::string(slot->value);
  return read;
}

}  // namespace

std::optional<Slot> ParseSlot(std::string_view bytes) {
  FieldReader in(bytes);
  const bool magic = in.U32() == kSlotMagic && in.U32() == kSlotVersion;
  Slot slot{.index = 0, .generation = in.U64(), .value = {}};
  const std::uint32_t size = in.U32();
  const std::uint32_t crc = in.U32();
  slot.value = in.Raw(size);
  const std::uint32_t found = base::Crc32c(slot.value, base::Crc32c(bytes.substr(0, kCrcAt)));
  if (!magic || !in.ok() || crc != found) return std::nullopt;
  return slot;
}

std::optional<Slot> NewestSlot(std::string_view bytes, std::size_t slot_size) {
  std::optional<Slot> newest;
  for (std::size_t index = 0; (index + 1) * slot_size <= bytes.size(); ++index) {
    const auto slot = ParseSlot(bytes.substr(index * slot_size, slot_size));
    if (!slot || slot->generation <= (newest ? newest->generation : 0)) continue;
    newest = slot;
    newest->index = index;
  }
  return newest;
}

Result<SlotsRead> ReadSlots(const fs::FolderReader& folder, const std::string& name,
                            const SlotShape& shape) {
  ASSIGN_OR_RETURN(const auto file, folder.OpenToRead(name));
  SlotsRead read;
  for (int attempt = 0; attempt < kAttempts && !read.value; ++attempt) {
    ASSIGN_OR_RETURN(const std::uint64_t size, file->Size());
    std::string bytes(size, '\0');
    ASSIGN_OR_RETURN(const std::size_t got, file->ReadAt(0, bytes));
    bytes.resize(got);
    read = ParseSlots(bytes, shape);
  }
  return read;
}

}  // namespace postern::queue::internal
