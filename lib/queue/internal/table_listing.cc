#include "lib/queue/internal/table_listing.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/queue/internal/fields.h"

namespace postern::queue::internal {

using base::Code;
using base::Fail;
using base::Result;

std::uint64_t NotDone(const Cursor& cursor, std::uint64_t first, std::uint64_t last) {
  const std::uint64_t after = std::max(first - 1, cursor.floor);
  if (after >= last) return 0;
  std::uint64_t left = last - after;
  auto range = cursor.ranges.upper_bound(after);
  if (range != cursor.ranges.begin()) --range;
  for (; range != cursor.ranges.end() && range->first < last; ++range) {
    const std::uint64_t from = std::max(after, range->first);
    const std::uint64_t to = std::min(last, range->second);
    if (to > from) left -= to - from;
  }
  return left;
}

std::vector<CursorSummary> ListCursors(const CursorTable& table) {
  const std::string bytes = table.Encode();
  std::vector<CursorSummary> cursors;
  FieldReader in(bytes);
  const std::uint32_t count = in.U32();
  for (std::uint32_t i = 0; i < count; ++i) {
    CursorSummary one;
    one.name = in.Text();
    one.cursor = *table.Find(one.name);
    in.U64();
    in.Raw(std::size_t{in.U32()} * 2 * sizeof(std::uint64_t));
    cursors.push_back(std::move(one));
  }
  return cursors;
}

Result<std::map<Sender, std::uint64_t>> ListMarks(std::string_view bytes) {
  std::map<Sender, std::uint64_t> marks;
  FieldReader in(bytes);
  const std::uint32_t count = in.U32();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    Sender sender;
    sender.member = in.Text();
    sender.store = in.Array<sizeof(StoreId)>();
    marks[std::move(sender)] = in.U64();
    in.U32();  // the record's checksum
    in.U64();  // the mark's age
  }
  if (!in.ok() || !in.rest().empty()) return Fail(Code::kCorrupt, "marks are damaged");
  return marks;
}

}  // namespace postern::queue::internal
