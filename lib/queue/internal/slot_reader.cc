#include "lib/queue/internal/slot_reader.h"

#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"

namespace postern::queue::internal {

using base::Result;

namespace {

constexpr std::size_t kCrcAt = 20;
// Both slots can be caught half written where the second one's turn comes while the file is read.
constexpr int kAttempts = 3;

SlotsRead ParseSlots(std::string_view bytes, std::size_t slot_size) {
  SlotsRead read;
  read.blank = bytes.find_first_not_of('\0') == std::string_view::npos;
  // The relay makes a file of another size anew: what stands in it counts for nothing.
  if (bytes.size() != 2 * slot_size) return read;
  std::uint64_t newest = 0;
  for (std::size_t at = 0; at < bytes.size(); at += slot_size) {
    const auto slot = ParseSlot(bytes.substr(at, slot_size));
    if (!slot || slot->generation <= newest) continue;
    newest = slot->generation;
    read.value = std::string(slot->value);
  }
  return read;
}

}  // namespace

std::optional<Slot> ParseSlot(std::string_view bytes) {
  FieldReader in(bytes);
  const bool magic = in.U32() == kSlotMagic && in.U32() == kSlotVersion;
  Slot slot{.generation = in.U64(), .value = {}};
  const std::uint32_t size = in.U32();
  const std::uint32_t crc = in.U32();
  slot.value = in.Raw(size);
  const std::uint32_t found = base::Crc32c(slot.value, base::Crc32c(bytes.substr(0, kCrcAt)));
  if (!magic || !in.ok() || crc != found) return std::nullopt;
  return slot;
}

Result<SlotsRead> ReadSlots(const fs::FolderReader& folder, const std::string& name,
                            std::size_t slot_size) {
  ASSIGN_OR_RETURN(const auto file, folder.OpenToRead(name));
  SlotsRead read;
  for (int attempt = 0; attempt < kAttempts && !read.value; ++attempt) {
    ASSIGN_OR_RETURN(const std::uint64_t size, file->Size());
    std::string bytes(size, '\0');
    ASSIGN_OR_RETURN(const std::size_t got, file->ReadAt(0, bytes));
    bytes.resize(got);
    read = ParseSlots(bytes, slot_size);
  }
  return read;
}

}  // namespace postern::queue::internal
