// What stands in the tables of cursors and marks, one by one, for who only looks.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/queue/offline.h"

namespace postern::queue::internal {

// The cursors by name, behind nothing yet.
std::vector<CursorSummary> ListCursors(const CursorTable& table);
// How many of the records `first` to `last` a cursor has not done.
std::uint64_t NotDone(const Cursor& cursor, std::uint64_t first, std::uint64_t last);

// The marks of a checkpoint. kCorrupt where the bytes are none.
base::Result<std::map<Sender, std::uint64_t>> ListMarks(std::string_view bytes);

}  // namespace postern::queue::internal
