// A queue's folder as a disk could return it, file by file: who only looks at it, and who opens it,
// comes to an end, with what it holds or with an error that has a name.
//
// Input: a byte of flags (1: mend checksums, 2: open the log as well), then files, each of them
// kind, place, size in two bytes, and so many bytes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/base/testing/fake_clock.h"
#include "lib/fs/testing/memory_storage.h"
#include "lib/queue/internal/fields.h"
#include "lib/queue/internal/slot_reader.h"
#include "lib/queue/log.h"
#include "lib/queue/log_reader.h"
#include "lib/queue/log_state.h"
#include "lib/queue/offline.h"
#include "lib/queue/testing/folder_image.h"

namespace {

using namespace postern::queue;
using internal::PutField;
using postern::base::Code;
using postern::base::Crc32c;

constexpr std::uint64_t kPlace = 1024;  // positions from one place to the next
constexpr std::size_t kHeadCrcAt = 56;  // of a segment's head, and of a group's
constexpr std::size_t kMostFiles = 64;

enum class Kind : std::uint8_t { kStore, kCursors, kLedger, kSegment, kCheckpoint, kDamaged };
constexpr std::uint8_t kKinds = 6;

// The files that a log makes at their full size, all zeroes.
const FolderImage& Blank() {
  static const FolderImage image = [] {
    postern::fs::MemoryStorage storage;
    const postern::base::FakeClock clock;
    CHECK(Log::Open(storage, {.folder = "queue"}, clock), "a new log opens");
    FolderImage made = ReadImage(**storage.OpenFolder("queue"));
    for (auto& [name, bytes] : made) bytes.assign(bytes.size(), '\0');
    return made;
  }();
  return image;
}

// Writes a part of such a file; one that no input names is missing.
void Put(std::string_view part, std::size_t at, const std::string& name, FolderImage& image) {
  std::string& into = image.try_emplace(name, Blank().at(name)).first->second;
  if (at >= into.size()) return;
  part = part.substr(0, into.size() - at);
  into.replace(at, part.size(), part);
}

// `slot` is 24 bytes at least.
std::string MendSlot(std::string slot) {
  PutField(internal::kSlotMagic, slot.data());
  PutField(internal::kSlotVersion, slot.data() + 4);
  PutField(static_cast<std::uint32_t>(slot.size() - 24), slot.data() + 16);
  const std::uint32_t head = Crc32c(std::string_view(slot).substr(0, 20));
  PutField(Crc32c(std::string_view(slot).substr(24), head), slot.data() + 20);
  return slot;
}

std::string MendLedgerSlot(std::string slot, std::size_t place) {
  slot.resize(kLedgerSlot);
  PutField(std::uint32_t{0x47444c50}, slot.data());
  PutField(std::uint32_t{1}, slot.data() + 4);
  PutField(static_cast<std::uint64_t>(place), slot.data() + 8);
  const std::uint32_t crc = Crc32c(std::string_view(slot).substr(0, kLedgerSlot - 4));
  PutField(crc, slot.data() + kLedgerSlot - 4);
  return slot;
}

void MendGroup(std::string& segment, std::size_t at, std::uint64_t position) {
  if (segment.size() - at < kGroupHeadSize + kTrailerSize) return;
  PutField(position + at, segment.data() + at + 16);
  const std::string_view head = std::string_view(segment).substr(at, kHeadCrcAt);
  PutField(Crc32c(head), segment.data() + at + kHeadCrcAt);
  const std::size_t size = internal::FieldReader(std::string_view(segment).substr(at + 4)).U32();
  if (size < kGroupHeadSize + kTrailerSize || size > segment.size() - at) return;
  char* const end = segment.data() + at + size;
  PutField(static_cast<std::uint32_t>(size), end - 8);
  PutField(Crc32c(std::string_view(segment).substr(at, size - 4)), end - 4);
}

std::string MendSegment(std::string segment, std::uint64_t position) {
  if (segment.size() >= kSegmentHeadSize) {
    PutField(position, segment.data() + 16);
    const std::string_view head = std::string_view(segment).substr(0, kHeadCrcAt);
    PutField(Crc32c(head), segment.data() + kHeadCrcAt);
  }
  for (std::size_t at = segment.find("PGRP"); at != std::string::npos;
       at = segment.find("PGRP", at + 4)) {
    MendGroup(segment, at, position);
  }
  return segment;
}

std::string MendCheckpoint(std::string bytes, std::uint64_t position) {
  if (bytes.size() < 28) return bytes;
  PutField(position, bytes.data() + 16);
  const std::uint32_t crc = Crc32c(std::string_view(bytes).substr(0, bytes.size() - 4));
  PutField(crc, bytes.data() + bytes.size() - 4);
  return bytes;
}

// A value of two that replace each other, wherever the file has its slots.
void PutSlot(const std::string& bytes, std::size_t at, bool mend, const std::string& name,
             FolderImage& image) {
  const std::string slot = mend && bytes.size() >= 24 ? MendSlot(bytes) : bytes;
  Put(slot, at, name, image);
  CHECK(!internal::ParseSlot(slot) || internal::ParseSlot(slot)->value.size() < slot.size(),
        "a value lies in its slot");
}

std::size_t At(const internal::SlotShape& shape, std::uint8_t place) {
  return place % shape.slots * shape.slot_size;
}

void AddFile(Kind kind, std::uint8_t place, const std::string& bytes, bool mend,
             FolderImage& image) {
  const std::uint64_t position = place * kPlace;
  switch (kind) {
    case Kind::kStore:
      return PutSlot(bytes, At(internal::kStoreShape, place), mend, "store", image);
    case Kind::kCursors:
      return PutSlot(bytes, At(internal::kCursorsShape, place), mend, "cursors", image);
    case Kind::kLedger:
      return Put(mend ? MendLedgerSlot(bytes, place) : bytes, LedgerOffset(place), "ledger", image);
    case Kind::kSegment:
      image[FileName(FileKind::kSegment, position)] = mend ? MendSegment(bytes, position) : bytes;
      return;
    case Kind::kCheckpoint:
      image[FileName(FileKind::kCheckpoint, position)] =
          mend ? MendCheckpoint(bytes, position) : bytes;
      return;
    case Kind::kDamaged: image[FileName(FileKind::kDamaged, position)] = bytes; return;
  }
}

FolderImage ImageOf(std::string_view input, bool mend) {
  FolderImage image;
  internal::FieldReader in(input);
  for (std::size_t i = 0; i < kMostFiles; ++i) {
    const std::uint16_t what = in.U16();
    const std::size_t size = in.U16();
    if (!in.ok()) break;
    const std::string bytes(in.Raw(std::min(size, in.rest().size())));
    AddFile(static_cast<Kind>(what % 256 % kKinds), static_cast<std::uint8_t>(what >> 8), bytes,
            mend, image);
  }
  return image;
}

// Nobody else has the folder and memory does not fail: what is wrong is in the bytes.
template <typename T>
void ExpectNamed(const T& result) {
  if (result) return;
  const Code code = result.error().code();
  CHECK(code == Code::kNotFound || code == Code::kInvalid,
        "the bytes are at fault, or the version");
}

void Look(const postern::fs::FolderReader& folder) {
  const auto inspection = Inspect(folder);
  ExpectNamed(inspection);
  std::uint64_t records = 0;
  const auto count = [&records](const StoredEntry&) {
    ++records;
    return postern::base::Status();
  };
  const auto read = ReadEntries(folder, {}, count);
  ExpectNamed(read);
  CHECK(inspection.has_value() == read.has_value(), "who counts and who reads find the same");
  if (inspection) CHECK(records <= inspection->records, "nobody reads more than is counted");
  ExpectNamed(ReadLedger(folder));
}

void OpenLog(postern::fs::MemoryStorage& storage) {
  const postern::base::FakeClock clock;
  auto log = Log::Open(storage, {.folder = "queue"}, clock);
  ExpectNamed(log);
  if (!log) return;
  LogReader reader(**log);
  for (std::uint64_t after = 0;;) {
    const auto entries = reader.Read(after);
    CHECK(entries, "memory can be read");
    (void)reader.TakeDamages();
    if (entries->empty()) break;
    CHECK(entries->front().sequence > after, "sequences rise");
    after = entries->back().sequence;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  postern::fs::MemoryStorage storage;
  WriteImage(ImageOf(input, (data[0] & 1U) != 0), **storage.OpenFolder("queue"));
  Look(**storage.OpenToRead("queue"));
  if ((data[0] & 2U) != 0) OpenLog(storage);
  return 0;
}
