#include "lib/queue/internal/slot_file.h"

#include <array>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"

namespace postern::queue::internal {

using base::Code;
using base::MutexLock;
using base::Result;
using base::Status;

namespace {

constexpr std::size_t kHeadSize = 24;

Result<std::string> ReadWhole(const fs::File& file) {
  ASSIGN_OR_RETURN(const std::uint64_t size, file.Size());
  std::string bytes(size, '\0');
  RETURN_IF_ERROR(fs::ReadExactly(file, 0, bytes));
  return bytes;
}

}  // namespace

Result<std::unique_ptr<SlotFile>> SlotFile::Open(fs::Folder& folder, const std::string& name,
                                                 const SlotShape& shape) {
  auto opened = folder.Open(name);
  if (!opened && opened.error().code() == Code::kNotFound) return Make(folder, name, shape);
  if (!opened) return std::move(opened).error();
  ASSIGN_OR_RETURN(const std::uint64_t size, (*opened)->Size());
  if (size == shape.size()) {
    std::unique_ptr<SlotFile> slots(new SlotFile(*std::move(opened), shape));
    RETURN_IF_ERROR(slots->Load());
    // Without its name, which a making that was killed leaves unsynced, a power cut takes all.
    RETURN_IF_ERROR(folder.Sync());
    return slots;
  }
  if (size > 0 && size == shape.former_size()) {
    ASSIGN_OR_RETURN(const std::string former, ReadWhole(**opened));
    return MoveFormer(folder, name, shape, former);
  }
  RETURN_IF_ERROR(folder.Remove(name));  // the making of it was cut short
  return Make(folder, name, shape);
}

Result<std::unique_ptr<SlotFile>> SlotFile::Make(fs::Folder& folder, const std::string& name,
                                                 const SlotShape& shape) {
  ASSIGN_OR_RETURN(auto made, folder.Create(name, shape.size()));
  RETURN_IF_ERROR(made->Sync());
  RETURN_IF_ERROR(folder.Sync());
  return std::unique_ptr<SlotFile>(new SlotFile(std::move(made), shape));
}

// Under another name until it is whole: a kill or a power cut leaves the former file as it was.
Result<std::unique_ptr<SlotFile>> SlotFile::MoveFormer(fs::Folder& folder, const std::string& name,
                                                       const SlotShape& shape,
                                                       std::string_view former) {
  const std::string made_as = name + ".new";
  const Status removed = folder.Remove(made_as);
  if (!removed && removed.error().code() != Code::kNotFound) return removed.error();
  ASSIGN_OR_RETURN(auto slots, Make(folder, made_as, shape));
  if (const auto slot = NewestSlot(former, former.size() / 2)) {
    slots->found_ = std::string(slot->value);
    slots->found_generation_ = slot->generation;
    RETURN_IF_ERROR(slots->Write(slot->generation, slot->value));
    if (const auto synced = slots->Sync(); !synced) return synced.error();
  }
  RETURN_IF_ERROR(folder.Rename(made_as, name));
  RETURN_IF_ERROR(folder.Sync());
  return slots;
}

Status SlotFile::Load() {
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(*file_));
  if (const auto newest = NewestSlot(bytes, shape_.slot_size)) {
    found_ = std::string(newest->value);
    found_generation_ = newest->generation;
    const Place place{.slot = newest->index, .generation = newest->generation};
    RETURN_IF_ERROR(WriteSlot(place, *found_));
    MutexLock lock(mutex_);
    highest_ = place.generation;
    synced_ = place;
  }
  return file_->Sync();
}

Status SlotFile::Write(std::uint64_t generation, std::string_view value) {
  MutexLock lock(mutex_);
  if (generation <= highest_) return {};
  highest_ = generation;
  const Place place{.slot = FreeSlot(), .generation = generation};
  if (written_ && written_->slot == place.slot) written_.reset();
  RETURN_IF_ERROR(WriteSlot(place, value));
  written_ = place;
  return {};
}

// Not the newest either, if it can be: a kill in the middle of a write leaves that one.
std::size_t SlotFile::FreeSlot() const {
  std::size_t free = shape_.slots;
  for (std::size_t slot = 0; slot < shape_.slots; ++slot) {
    if (synced_ && synced_->slot == slot) continue;
    if (syncing_ && syncing_->slot == slot) continue;
    if (!written_ || written_->slot != slot) return slot;
    free = slot;
  }
  CHECK(free < shape_.slots, "a value is written during a sync only where there are three slots");
  return free;
}

Result<std::uint64_t> SlotFile::Sync() {
  {
    MutexLock lock(mutex_);
    if (!written_) return synced_ ? synced_->generation : 0;
    syncing_ = std::exchange(written_, std::nullopt);
  }
  const Status synced = file_->Sync();
  MutexLock lock(mutex_);
  const Place place = *std::exchange(syncing_, std::nullopt);
  if (!synced) {
    written_.reset();  // the kernel may have dropped that as well, and will not say so again
    return synced.error();
  }
  synced_ = place;
  return place.generation;
}

Status SlotFile::WriteSlot(const Place& place, std::string_view value) {
  CHECK(kHeadSize + value.size() <= shape_.slot_size, "a value fits its slot");
  std::string head;
  AppendField(kSlotMagic, head);
  AppendField(kSlotVersion, head);
  AppendField(place.generation, head);
  AppendField(static_cast<std::uint32_t>(value.size()), head);
  AppendField(base::Crc32c(value, base::Crc32c(head)), head);
  const std::array<std::string_view, 2> slices{head, value};
  return file_->WriteAt(place.slot * shape_.slot_size, slices);
}

}  // namespace postern::queue::internal
