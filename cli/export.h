// Export: the records of a queue's folder as OTLP JSON lines, or their bodies as they are.
//
//   const auto exported = Export(folder, {.signal = record::Signal::kLogs, .output =
//   "logs.jsonl"});
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/offline.h"
#include "sidecar/record/record.h"

namespace postern::cli {

struct ExportOptions {
  std::optional<record::Signal> signal;  // none: all
  queue::Range range;
  std::string output = "-";  // a file that is made or replaced; "-" is stdout
  bool raw = false;          // bodies, each behind its length as a varint
};

struct ExportReport {
  std::uint64_t records = 0;          // that were taken
  std::vector<std::string> left_out;  // what was not, and why; the first ones
  std::uint64_t left_out_in_all = 0;  // damaged ranges and records that are no export
  base::Status written;  // what became of the output: with the path and the system's words
};

// Fails as queue::ReadEntries does; the output is only opened where there is a queue to read. After
// a failure it holds what was written before.
base::Result<ExportReport> Export(const fs::FolderReader& folder, const ExportOptions& options);

}  // namespace postern::cli
