// A segment as a disk could return it: its first byte says which checksums are mended, or nothing
// would get behind them. What is found lies inside the bytes, in order, and is the same when it is
// written again. The other files' parsers read the same bytes.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/queue/cursors.h"
#include "lib/queue/internal/fields.h"
#include "lib/queue/ledger.h"
#include "lib/queue/log_format.h"
#include "lib/queue/log_state.h"
#include "lib/queue/marks.h"
#include "lib/queue/recovery.h"

namespace {

using namespace postern::queue;
using internal::FieldReader;
using internal::PutField;
using postern::base::Crc32c;

constexpr Tag kTag{};
constexpr std::uint64_t kPosition = 4096;
constexpr std::size_t kGroupCrcAt = 56;

// Makes the checksums of what could be a group right.
void MendGroup(std::string& segment, std::size_t at) {
  if (segment.size() - at < kGroupHeadSize + kTrailerSize) return;
  PutField(kPosition + at, segment.data() + at + 16);
  const std::string_view head = std::string_view(segment).substr(at, kGroupCrcAt);
  PutField(Crc32c(head), segment.data() + at + kGroupCrcAt);
  const std::size_t size = FieldReader(std::string_view(segment).substr(at + 4)).U32();
  if (size < kGroupHeadSize + kTrailerSize || size > segment.size() - at) return;
  char* const end = segment.data() + at + size;
  PutField(static_cast<std::uint32_t>(size), end - 8);
  PutField(Crc32c(std::string_view(segment).substr(at, size - 4)), end - 4);
}

void Mend(std::string& segment) {
  if (segment.size() >= kSegmentHeadSize) {
    PutField(Crc32c(std::string_view(segment).substr(0, kGroupCrcAt)),
             segment.data() + kGroupCrcAt);
  }
  for (std::size_t at = segment.find("PGRP"); at != std::string::npos;
       at = segment.find("PGRP", at + 4)) {
    MendGroup(segment, at);
  }
}

void CheckEntries(std::string_view segment, const FoundGroup& found) {
  const auto bytes =
      postern::base::Bytes::Copy(segment.substr(found.head.position - kPosition, found.head.size));
  const auto stored = ParseEntries(bytes, found.head);
  if (!stored) return;
  CHECK(stored->size() == found.head.count, "a group holds what it says");
  std::vector<Entry> entries;
  for (const StoredEntry& entry : *stored) {
    entries.push_back({.hop = entry.hop, .head = {}, .body = entry.body});
  }
  Group group(entries, found.head.first_sequence, found.head.stamp);
  std::string again;
  for (const auto slice : group.Seal(kTag, found.head.position, found.previous_end)) again += slice;
  const auto head = ParseGroupHead(again, kTag, found.head.position);
  CHECK(head && CheckGroup(again, *head), "what is written can be read");
  const auto same = ParseEntries(postern::base::Bytes::Copy(again), *head);
  CHECK(same && *same == *stored, "and is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string segment(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1U) != 0) Mend(segment);
  const SegmentScan scan = ScanSegment(segment, kPosition, kTag);
  std::uint64_t end = kPosition + kSegmentHeadSize;
  for (const FoundGroup& group : scan.groups) {
    CHECK(group.head.position >= end, "groups do not overlap");
    end = group.head.end();
    CHECK(end <= kPosition + segment.size(), "a group lies in its segment");
    CheckEntries(segment, group);
  }
  Recovery recovery;
  recovery.Add(scan);
  SegmentScan next = scan;  // as if the same groups came again, further on
  next.position += 1 << 20;
  recovery.Add(next);
  CHECK(recovery.segments().size() == 2, "every segment is told of");
  for (const Damage& damage : recovery.damages()) CHECK(damage.from < damage.to, "a place");

  if (const auto cursors = CursorTable::Parse(segment)) {
    const auto same = CursorTable::Parse(cursors->Encode());
    CHECK(same && *same == *cursors, "cursors are the same again");
  }
  MarkTable marks;
  if (marks.Load(segment)) CHECK(MarkTable().Load(marks.Encode()), "marks can be read again");
  for (const LedgerEntry& entry : ParseLedger(segment)) {
    CHECK(EncodeLedgerEntry(entry).size() == kLedgerSlot, "an entry fits its slot again");
  }
  (void)ParseCheckpoint(segment, kTag, kPosition);
  (void)ParseIdentity(segment);
  (void)PositionIn(segment, FileKind::kSegment);
  return 0;
}
