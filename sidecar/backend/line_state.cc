#include "sidecar/backend/line_state.h"

#include <algorithm>

#include "lib/base/crc32c.h"
#include "sidecar/record/wire.h"

namespace postern::backend {

using base::Code;
using base::Result;
using base::Status;

namespace {

constexpr std::string_view kMagic = "postern lines 1\n";
constexpr std::size_t kSlotBytes = 512;  // what a disk writes as a whole
// Apart, so that no slot shares a block with another.
constexpr std::uint64_t kSlotDistance = 4096;

}  // namespace

Result<std::unique_ptr<LineState>> LineState::Open(fs::Folder& folder, const std::string& name) {
  Result<std::unique_ptr<fs::File>> file = folder.Open(name);
  // Its room is taken now: what it tells can be written on a full disk.
  if (!file && file.error().code() == Code::kNotFound) {
    file = folder.Create(name, kSlots * kSlotDistance);
  }
  if (!file) return std::move(file).error();
  std::unique_ptr<LineState> state(new LineState(*std::move(file)));
  RETURN_IF_ERROR(state->Load());
  return state;
}

Status LineState::Load() {
  std::uint64_t newest_begun = 0;
  for (std::size_t at = 0; at < kSlots; ++at) {
    std::array<char, kSlotBytes> bytes{};
    ASSIGN_OR_RETURN(const std::size_t got, file_->ReadAt(at * kSlotDistance, bytes));
    const std::optional<Slot> slot = Parse({bytes.data(), got});
    if (!slot) continue;
    // Only what is written again is surely on the disk after the sync: one before may have failed.
    RETURN_IF_ERROR(Write(at, Print(*slot)));
    if (at != kEndSlot && slot->generation > newest_begun) {
      newest_begun = slot->generation;
      synced_slot_ = at;
    }
    if (slot->generation <= generation_) continue;
    generation_ = slot->generation;
    group_ = slot->group;
    ended_ = slot->ended;
  }
  return file_->Sync();
}

Status LineState::Begin(const LineGroup& group) {
  const std::size_t slot = 1 - synced_slot_;
  group_ = group;
  ended_ = false;
  RETURN_IF_ERROR(
      Write(slot, Print({.generation = ++generation_, .ended = false, .group = group})));
  RETURN_IF_ERROR(file_->Sync());
  synced_slot_ = slot;
  return {};
}

void LineState::End() {
  ended_ = true;
  (void)Write(kEndSlot, Print({.generation = ++generation_, .ended = true, .group = *group_}));
}

Status LineState::Write(std::size_t slot, std::string_view bytes) {
  const std::array slices{bytes};
  return file_->WriteAt(slot * kSlotDistance, slices);
}

std::string LineState::Print(const Slot& slot) {
  std::string bytes(kMagic);
  record::Writer out(bytes);
  out.Number(slot.generation);
  out.Byte(slot.ended ? 1 : 0);
  for (const std::uint8_t byte : slot.group.store) out.Byte(byte);
  out.Number(slot.group.before);
  out.Number(slot.group.through);
  out.Number(slot.group.inode);
  out.Number(slot.group.offset);
  out.Number(slot.group.length);
  out.Word(slot.group.crc);
  out.Word(base::Crc32c(bytes));
  bytes.resize(kSlotBytes, '\0');
  return bytes;
}

std::optional<LineState::Slot> LineState::Parse(std::string_view bytes) {
  record::Reader in(bytes);
  if (in.Raw(kMagic.size()) != kMagic) return std::nullopt;
  Slot slot{.generation = in.Number(), .ended = in.Byte() != 0, .group = {}};
  for (std::uint8_t& byte : slot.group.store) byte = in.Byte();
  slot.group.before = in.Number();
  slot.group.through = in.Number();
  slot.group.inode = in.Number();
  slot.group.offset = in.Number();
  slot.group.length = in.Number();
  slot.group.crc = in.Word();
  const std::size_t covered = bytes.size() - in.rest().size();
  const std::uint32_t crc = in.Word();
  if (!in.ok() || crc != base::Crc32c(bytes.substr(0, covered))) return std::nullopt;
  return slot;
}

}  // namespace postern::backend
