#include "lib/queue/internal/eviction.h"

#include <algorithm>

namespace postern::queue::internal {

using base::Result;

namespace {

void Count(const StoredEntry& entry, const CursorTable& cursors, const Log::Needs& needs,
           std::vector<Evicted>& undone) {
  for (Evicted& one : undone) {
    if (cursors.Find(one.name)->IsDone(entry.sequence)) continue;
    if (needs && !needs(one.name, entry)) continue;
    ++one.records;
    one.bytes += entry.body.size();
  }
}

}  // namespace

Result<std::vector<Evicted>> CountUndone(LogReader& reader, const CursorTable& cursors,
                                         const SegmentPart& segment, const Log::Needs& needs) {
  std::vector<Evicted> undone;
  for (const auto& [name, cursor] : cursors.all()) {
    if (cursor.floor >= segment.last_sequence) continue;
    undone.push_back({.name = name, .after = cursor.floor, .through = segment.last_sequence});
  }
  for (std::uint64_t after = segment.first_sequence - 1; after < segment.last_sequence;) {
    ASSIGN_OR_RETURN(const auto entries, reader.Read(after));
    if (entries.empty()) break;
    for (const StoredEntry& entry : entries) {
      if (entry.sequence > segment.last_sequence) return undone;  // its own last group rotted
      Count(entry, cursors, needs, undone);
    }
    after = entries.back().sequence;
  }
  return undone;
}

}  // namespace postern::queue::internal

namespace postern::queue {

base::Result<std::vector<Evicted>> Log::EvictOldest(const Needs& needs) {
  std::vector<Evicted> evicted;
  LogReader reader(*this);
  const auto newest = NewestSegment();
  for (auto at = segments_.begin(); at != newest; ++at) {
    const SegmentPart& part = at->second.part;
    if (cursors_.all().empty()) break;
    if (part.empty() || part.last_sequence <= cursors_.floor()) continue;
    ASSIGN_OR_RETURN(evicted, internal::CountUndone(reader, cursors_, part, needs));
    for (const Evicted& one : evicted) RETURN_IF_ERROR(ledger_.Admits(Reason::kEvicted, one.name));
    room_wanted_ = refused_ = true;
    for (const Evicted& one : evicted) {
      RETURN_IF_ERROR(MarkDone(one.name, one.after, one.through));
      if (one.records > 0) AddToLedger(Reason::kEvicted, one);
    }
    // Where all was done but for numbers that no record has, the next one is the oldest.
    std::erase_if(evicted, [](const Evicted& one) { return one.records == 0; });
    if (!evicted.empty()) break;
  }
  return evicted;
}

}  // namespace postern::queue
