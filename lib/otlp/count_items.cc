#include "lib/otlp/count_items.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "lib/otlp/internal/wire_reader.h"

namespace postern::otlp {
namespace {

using base::Code;
using base::Fail;
using base::Result;

// For each level from the export down, which fields lead to the items, as a set of field numbers.
using Level = std::uint32_t;

constexpr Level Field(int number) { return Level{1} << number; }

// resource_… > scope_… > log_records or spans
constexpr std::array kRecords = {Field(1), Field(2), Field(2)};
// resource_metrics > scope_metrics > metrics > gauge, sum, histogram, exponential, summary >
// data_points
constexpr std::array kDataPoints = {
    Field(1), Field(2), Field(2), Field(5) | Field(7) | Field(9) | Field(10) | Field(11), Field(1)};

std::optional<std::size_t> Count(std::string_view message, std::span<const Level> levels) {
  std::size_t items = 0;
  internal::WireReader reader(message);
  for (internal::WireField field; reader.Next(field);) {
    const bool leads = field.type == internal::WireType::kBytes && field.number < 32 &&
                       (levels.front() & Field(static_cast<int>(field.number))) != 0;
    if (!leads) continue;
    if (levels.size() == 1) {
      ++items;
      continue;
    }
    const auto inside = Count(field.bytes, levels.subspan(1));
    if (!inside) return std::nullopt;
    items += *inside;
  }
  return reader.ok() ? std::optional(items) : std::nullopt;
}

}  // namespace

Result<std::size_t> CountItems(Signal signal, std::string_view protobuf) {
  const auto items =
      signal == Signal::kMetrics ? Count(protobuf, kDataPoints) : Count(protobuf, kRecords);
  if (items) return *items;
  return Fail(Code::kInvalid, "counting the items of an export of " +
                                  std::to_string(protobuf.size()) + " bytes: no protobuf");
}

}  // namespace postern::otlp
