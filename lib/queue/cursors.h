// Cursors: how far each reader of the log is: the parent's link, or a backend and signal.
//
// Everything at or below a cursor's floor is done; above it at most 1,024 ranges are, of records
// that were done out of order. A range says after which record it begins, not with which: between
// two records of a log numbers may be missing.
//
//   cursors.Add("uplink", 0);
//   cursors.Done("uplink", 0, 7);    // floor 7
//   cursors.Done("uplink", 9, 12);   // floor 7, and (9, 12]
//   cursors.Done("uplink", 7, 9);    // floor 12
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace postern::queue {

struct Cursor {
  std::uint64_t floor = 0;
  std::map<std::uint64_t, std::uint64_t> ranges;  // (after, through]: apart, and above the floor

  // Whether this record is done.
  bool IsDone(std::uint64_t sequence) const;

  bool operator==(const Cursor&) const = default;
};

class CursorTable {
 public:
  static constexpr std::size_t kMostCursors = 32;
  static constexpr std::size_t kMostRanges = 1024;
  static constexpr std::size_t kMostName = 64;
  // No table needs more bytes than this.
  static constexpr std::size_t kMostBytes =
      4 + kMostCursors * (2 + kMostName + 8 + 4 + kMostRanges * 16);

  // Adds a cursor, or leaves the one of that name as it is. kExhausted where there are too many,
  // kInvalid where the name is empty or too long.
  base::Status Add(const std::string& name, std::uint64_t floor);
  // What this cursor alone held back may go. kNotFound where there is none.
  base::Status Remove(const std::string& name);
  // Everything in (after, through] is done. kExhausted where that would be a range too many: done
  // again later, once a lower one has been. kNotFound where there is no such cursor.
  base::Status Done(const std::string& name, std::uint64_t after, std::uint64_t through);

  // Null where there is none.
  const Cursor* Find(const std::string& name) const;
  const std::map<std::string, Cursor>& all() const { return cursors_; }
  // The lowest floor; 0 without a cursor: nothing is done where nobody says so.
  std::uint64_t floor() const;

  std::string Encode() const;
  // kCorrupt where the bytes are no table.
  static base::Result<CursorTable> Parse(std::string_view bytes);

  bool operator==(const CursorTable&) const = default;

 private:
  std::map<std::string, Cursor> cursors_;
};

}  // namespace postern::queue
