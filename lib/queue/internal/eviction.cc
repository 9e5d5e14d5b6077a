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
