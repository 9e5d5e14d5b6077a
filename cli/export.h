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
  std::uint64_t records = 0;          // written
  std::vector<std::string> left_out;  // what was not, and why; the first ones
  std::uint64_t left_out_in_all = 0;  // damaged ranges and records that are no export
};

// Which half failed: what the user is to mend.
struct ExportFailure {
  enum class Half : std::uint8_t { kReading, kWriting };
  Half half = Half::kReading;
  base::Error error;
};

// The output is opened before anything is read, and holds what was written before a failure.
tl::expected<ExportReport, ExportFailure> Export(const fs::FolderReader& folder,
                                                 const ExportOptions& options);

}  // namespace postern::cli
