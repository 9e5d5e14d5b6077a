// Tables and figures as people read them. Programs read JSON, which is exact.
//
//   Table table({"SEGMENT", "SIZE"});
//   table.Add({"0000000000000000", SizeText(3355443)});   // 3.2 MiB
//   std::cout << table.Text();
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/queue/entry.h"

namespace postern::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> heads);

  // As many cells as there are heads.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  // The columns aligned, two spaces apart, no spaces at the end of a line. A control character,
  // which a terminal could obey, is a question mark.
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the first one has the heads
};

// "17 B", "3.2 MiB".
std::string SizeText(std::uint64_t bytes);
// Milliseconds since 1970 as "2026-11-21T15:39:21.007Z".
std::string TimeText(std::uint64_t wall);
// "820 ms", "59 s", "7 min 3 s", "2 h 5 min", "3 d 4 h".
std::string SpanText(std::uint64_t milliseconds);
// "1 record", "2 records".
std::string CountText(std::uint64_t count, const std::string& noun);
// 16 hex digits, as in the names of the queue's files.
std::string PositionText(std::uint64_t position);
// 32 hex digits.
std::string StoreText(const queue::StoreId& store);

}  // namespace postern::cli
