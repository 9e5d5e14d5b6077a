// What the kernel says of this process, from /proc (proc(5)).
//
// Threads: immutable.
#pragma once

#include <optional>
#include <string_view>

namespace postern::metrics {

struct ProcessMetrics {
  double resident_memory_bytes = 0;
  double cpu_seconds = 0;  // user and system
  double open_fds = 0;
  double start_time_seconds = 0;  // since the Unix epoch
};

// How the kernel counts: clock ticks a second, bytes a page, and when it was started.
struct KernelUnits {
  double ticks = 100;
  double page_bytes = 4096;
  double boot_seconds = 0;  // since the Unix epoch
};

// Returns nothing where /proc is not mounted.
std::optional<ProcessMetrics> ReadProcessMetrics();

// Reads the text of /proc/self/stat; `open_fds` stays zero. Nothing where a field is missing.
std::optional<ProcessMetrics> ParseProcessStat(std::string_view stat, const KernelUnits& units);

// Reads the line "btime N" of /proc/stat: when the kernel started.
std::optional<double> ParseBootTime(std::string_view stat);

}  // namespace postern::metrics
