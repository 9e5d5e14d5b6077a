#include "lib/log/value.h"

#include <array>
#include <charconv>

namespace postern::log {

std::string DurationText(base::Duration time) {
  struct Unit {
    std::int64_t size;
    const char* name;
  };
  constexpr std::array kUnits = {Unit{1'000'000'000, "s"}, Unit{1'000'000, "ms"}, Unit{1000, "us"}};
  const std::int64_t count = time.count();
  for (const Unit& unit : kUnits) {
    if (count > -unit.size && count < unit.size) continue;
    std::array<char, 32> text{};
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size(),
                      static_cast<double>(count) / static_cast<double>(unit.size));
    return std::string(text.data(), end) + unit.name;
  }
  return std::to_string(count) + (count == 0 ? "s" : "ns");
}

}  // namespace postern::log
