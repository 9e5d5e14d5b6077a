#include "lib/queue/cursors.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/queue/internal/fields.h"

namespace postern::queue {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;
using internal::AppendField;

namespace {

// Takes up the ranges that the floor has reached.
void Absorb(Cursor& cursor) {
  while (!cursor.ranges.empty() && cursor.ranges.begin()->first <= cursor.floor) {
    cursor.floor = std::max(cursor.floor, cursor.ranges.begin()->second);
    cursor.ranges.erase(cursor.ranges.begin());
  }
}

// Adds (after, through] to ranges that stay apart.
void Merge(Cursor& cursor, std::uint64_t after, std::uint64_t through) {
  auto at = cursor.ranges.upper_bound(after);
  if (at != cursor.ranges.begin() && std::prev(at)->second >= after) --at;
  while (at != cursor.ranges.end() && at->first <= through) {
    after = std::min(after, at->first);
    through = std::max(through, at->second);
    at = cursor.ranges.erase(at);
  }
  cursor.ranges.emplace_hint(at, after, through);
}

}  // namespace

bool Cursor::IsDone(std::uint64_t sequence) const {
  if (sequence <= floor) return true;
  const auto above = ranges.lower_bound(sequence);  // begins at or behind it, so without it
  return above != ranges.begin() && sequence <= std::prev(above)->second;
}

Status CursorTable::Add(const std::string& name, std::uint64_t floor) {
  if (name.empty() || name.size() > kMostName) {
    return Fail(Code::kInvalid, "adding cursor '" + name + "': a name has 1 to " +
                                    std::to_string(kMostName) + " bytes");
  }
  if (cursors_.contains(name)) return {};
  if (cursors_.size() == kMostCursors) {
    return Fail(Code::kExhausted, "adding cursor '" + name + "': there are " +
                                      std::to_string(kMostCursors) + " already");
  }
  cursors_[name].floor = floor;
  return {};
}

Status CursorTable::Remove(const std::string& name) {
  if (cursors_.erase(name) > 0) return {};
  return Fail(Code::kNotFound, "removing cursor '" + name + "': there is none");
}

Status CursorTable::Done(const std::string& name, std::uint64_t after, std::uint64_t through) {
  const auto found = cursors_.find(name);
  if (found == cursors_.end()) {
    return Fail(Code::kNotFound, "moving cursor '" + name + "': there is none");
  }
  Cursor& cursor = found->second;
  if (through <= cursor.floor || through <= after) return {};
  if (after <= cursor.floor) {
    cursor.floor = through;
    Absorb(cursor);
    return {};
  }
  if (cursor.ranges.size() < kMostRanges) {
    Merge(cursor, after, through);
    return {};
  }
  Cursor merged = cursor;
  Merge(merged, after, through);
  if (merged.ranges.size() <= kMostRanges) {
    cursor = std::move(merged);
    return {};
  }
  return Fail(Code::kExhausted, "moving cursor '" + name + "': " + std::to_string(kMostRanges) +
                                    " ranges are above its floor");
}

const Cursor* CursorTable::Find(const std::string& name) const {
  const auto found = cursors_.find(name);
  return found == cursors_.end() ? nullptr : &found->second;
}

std::uint64_t CursorTable::floor() const {
  if (cursors_.empty()) return 0;
  std::uint64_t lowest = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [name, cursor] : cursors_) lowest = std::min(lowest, cursor.floor);
  return lowest;
}

std::string CursorTable::Encode() const {
  std::string bytes;
  AppendField(static_cast<std::uint32_t>(cursors_.size()), bytes);
  for (const auto& [name, cursor] : cursors_) {
    internal::AppendText(name, bytes);
    AppendField(cursor.floor, bytes);
    AppendField(static_cast<std::uint32_t>(cursor.ranges.size()), bytes);
    for (const auto& [after, through] : cursor.ranges) {
      AppendField(after, bytes);
      AppendField(through, bytes);
    }
  }
  return bytes;
}

Result<CursorTable> CursorTable::Parse(std::string_view bytes) {
  internal::FieldReader in(bytes);
  CursorTable table;
  const std::uint32_t count = in.U32();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string name(in.Text());
    RETURN_IF_ERROR(table.Add(name, in.U64()));
    const std::uint32_t ranges = in.U32();
    for (std::uint32_t j = 0; j < ranges && in.ok(); ++j) {
      const std::uint64_t after = in.U64();
      RETURN_IF_ERROR(table.Done(name, after, in.U64()));
    }
  }
  if (!in.ok() || !in.rest().empty()) return Fail(Code::kCorrupt, "the cursors are damaged");
  return table;
}

}  // namespace postern::queue
