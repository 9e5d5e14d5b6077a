#include "lib/queue/internal/slot_file.h"

#include <array>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"
#include "lib/queue/internal/slot_reader.h"

namespace postern::queue::internal {

using base::Code;
using base::Result;
using base::Status;

namespace {

constexpr std::size_t kHeadSize = 24;

}  // namespace

Result<SlotFile> SlotFile::Open(fs::Folder& folder, const std::string& name,
                                std::size_t slot_size) {
  auto opened = folder.Open(name);
  if (!opened && opened.error().code() != Code::kNotFound) return std::move(opened).error();
  if (opened) {
    ASSIGN_OR_RETURN(const std::uint64_t size, (*opened)->Size());
    if (size == 2 * slot_size) {
      SlotFile slots(*std::move(opened), slot_size);
      RETURN_IF_ERROR(slots.Load());
      // Without its name, which a making that was killed leaves unsynced, a power cut takes all.
      RETURN_IF_ERROR(folder.Sync());
      return slots;
    }
    RETURN_IF_ERROR(folder.Remove(name));  // the making of it was cut short
  }
  ASSIGN_OR_RETURN(auto made, folder.Create(name, 2 * slot_size));
  RETURN_IF_ERROR(made->Sync());
  RETURN_IF_ERROR(folder.Sync());
  return SlotFile(std::move(made), slot_size);
}

Status SlotFile::Load() {
  std::string bytes(2 * slot_size_, '\0');
  RETURN_IF_ERROR(fs::ReadExactly(*file_, 0, bytes));
  for (std::size_t i = 0; i < 2; ++i) {
    const auto slot = ParseSlot(std::string_view(bytes).substr(i * slot_size_, slot_size_));
    if (!slot || slot->generation <= generation_) continue;
    generation_ = slot->generation;
    value_ = std::string(slot->value);
    synced_ = i;
  }
  if (value_) RETURN_IF_ERROR(WriteSlot(synced_, generation_, *value_));
  return file_->Sync();
}

Status SlotFile::Write(std::string_view value) {
  RETURN_IF_ERROR(WriteSlot(1 - synced_, generation_ + 1, value));
  ++generation_;
  value_ = std::string(value);
  written_ = true;
  return {};
}

Status SlotFile::Sync() {
  if (!written_) return {};
  RETURN_IF_ERROR(file_->Sync());
  written_ = false;
  synced_ = 1 - synced_;
  return {};
}

Status SlotFile::WriteSlot(std::size_t slot, std::uint64_t generation, std::string_view value) {
  CHECK(kHeadSize + value.size() <= slot_size_, "a value fits its slot");
  std::string head;
  AppendField(kSlotMagic, head);
  AppendField(kSlotVersion, head);
  AppendField(generation, head);
  AppendField(static_cast<std::uint32_t>(value.size()), head);
  AppendField(base::Crc32c(value, base::Crc32c(head)), head);
  const std::array<std::string_view, 2> slices{head, value};
  return file_->WriteAt(slot * slot_size_, slices);
}

}  // namespace postern::queue::internal
