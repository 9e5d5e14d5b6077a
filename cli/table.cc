#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "lib/base/check.h"
#include "lib/queue/log_state.h"

namespace postern::cli {

namespace {

constexpr std::size_t kApart = 2;

std::string Clean(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; },
      '?');
  return text;
}

}  // namespace

Table::Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }

void Table::Add(std::vector<std::string> cells) {
  CHECK(cells.size() == rows_.front().size(), "a row has a cell under each head");
  std::transform(cells.begin(), cells.end(), cells.begin(), Clean);
  rows_.push_back(std::move(cells));
}

std::string Table::Text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + kApart, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string SizeText(std::uint64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  constexpr double kStep = 1024;
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double size = static_cast<double>(bytes) / kStep;
  std::size_t unit = 0;
  // Rounded first: 1,048,575 bytes are 1.0 MiB, not 1024.0 KiB.
  for (; size >= kStep - 0.05 && unit + 1 < kUnits.size(); ++unit) size /= kStep;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", size, kUnits[unit]);
  return text.data();
}

std::string TimeText(std::uint64_t wall) {
  const auto seconds = static_cast<std::time_t>(wall / 1000);
  std::tm utc{};
  std::array<char, 64> text{};
  if (gmtime_r(&seconds, &utc) == nullptr) return "beyond the calendar";
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03uZ", static_cast<unsigned>(wall % 1000));
  return std::string(text.data(), size) + fraction.data();
}

std::string SpanText(std::uint64_t milliseconds) {
  struct Unit {
    std::uint64_t milliseconds;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits{
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "min"}, {1000, "s"}}};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const Unit& unit = kUnits[i];
    if (milliseconds < unit.milliseconds) continue;
    std::string text = std::to_string(milliseconds / unit.milliseconds) + " " + unit.name;
    if (i + 1 == kUnits.size()) return text;
    const Unit& next = kUnits[i + 1];
    const std::uint64_t rest = milliseconds % unit.milliseconds / next.milliseconds;
    return rest == 0 ? text : text + " " + std::to_string(rest) + " " + next.name;
  }
  return std::to_string(milliseconds) + " ms";
}

std::string CountText(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string PositionText(std::uint64_t position) {
  const std::string name = queue::FileName(queue::FileKind::kSegment, position);
  return name.substr(0, name.find('.'));
}

std::string StoreText(const queue::StoreId& store) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : store) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xfU];
  }
  return text;
}

}  // namespace postern::cli
