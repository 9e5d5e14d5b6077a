#include "lib/metrics/process_metrics.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace postern::metrics {
namespace {

// Fields of /proc/self/stat, counted from 1 as in proc(5).
constexpr int kFirstAfterName = 3;
constexpr int kUserTicks = 14;
constexpr int kSystemTicks = 15;
constexpr int kStartTicks = 22;
constexpr int kResidentPages = 24;

std::string Read(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<double> Number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// One less than the entries of the folder: the descriptor that reads it is among them.
double CountOpenFiles() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  double count = 0;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;
}

}  // namespace

std::optional<double> ParseBootTime(std::string_view stat) {
  constexpr std::string_view kLabel = "\nbtime ";
  const std::size_t at = stat.find(kLabel);
  if (at == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(at + kLabel.size());
  return Number(stat.substr(0, stat.find('\n')));
}

std::optional<ProcessMetrics> ParseProcessStat(std::string_view stat, const KernelUnits& units) {
  // The second field is the program's name in brackets, which may itself hold blanks and brackets.
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(name_end + 2);

  std::array<double, kResidentPages + 1> fields{};
  for (int field = kFirstAfterName; field <= kResidentPages; ++field) {
    const std::size_t end = stat.find_first_of(" \n");
    const std::string_view word = stat.substr(0, end);
    const std::optional<double> number = field == kFirstAfterName ? 0 : Number(word);
    if (!number || word.empty()) return std::nullopt;
    fields[static_cast<std::size_t>(field)] = *number;
    stat.remove_prefix(end == std::string_view::npos ? stat.size() : end + 1);
  }
  return ProcessMetrics{
      .resident_memory_bytes = fields[kResidentPages] * units.page_bytes,
      .cpu_seconds = (fields[kUserTicks] + fields[kSystemTicks]) / units.ticks,
      .start_time_seconds = units.boot_seconds + fields[kStartTicks] / units.ticks,
  };
}

std::optional<ProcessMetrics> ReadProcessMetrics() {
  const KernelUnits units = {
      .ticks = static_cast<double>(::sysconf(_SC_CLK_TCK)),
      .page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE)),
      .boot_seconds = ParseBootTime(Read("/proc/stat")).value_or(0),
  };
  std::optional<ProcessMetrics> process = ParseProcessStat(Read("/proc/self/stat"), units);
  if (process) process->open_fds = CountOpenFiles();
  return process;
}

}  // namespace postern::metrics
