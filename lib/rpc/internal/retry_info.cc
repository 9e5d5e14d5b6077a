#include "lib/rpc/internal/retry_info.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace postern::rpc::internal {
namespace {

using std::chrono::milliseconds;

// A field of a protobuf message: a number, or the bytes of a string or message.
struct Field {
  std::uint32_t number = 0;
  bool is_number = false;
  std::uint64_t value = 0;
  std::string_view bytes = {};
};

// The fields of one message, in order; ends early at the first fault.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  bool Next(Field& field) {
    if (rest_.empty()) return false;
    const std::uint64_t tag = Number();
    field = {.number = static_cast<std::uint32_t>(tag >> 3)};
    switch (tag & 7) {
      case 0:
        field.is_number = true;
        field.value = Number();
        break;
      case 1: Take(8); break;
      case 2: field.bytes = Take(Number()); break;
      case 5: Take(4); break;
      default: ok_ = false;
    }
    return ok_;
  }

 private:
  std::uint64_t Number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::string_view byte = Take(1);
      if (!ok_) return 0;
      const auto bits = static_cast<unsigned char>(byte.front());
      value |= static_cast<std::uint64_t>(bits & 0x7f) << shift;
      if (bits < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view Take(std::uint64_t size) {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

// google.protobuf.Duration {int64 seconds = 1; int32 nanos = 2}
std::optional<milliseconds> ReadDuration(std::string_view message) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  Fields fields(message);
  for (Field field; fields.Next(field);) {
    if (field.number == 1 && field.is_number) seconds = static_cast<std::int64_t>(field.value);
    if (field.number == 2 && field.is_number) nanos = static_cast<std::int64_t>(field.value);
  }
  if (seconds < 0 || nanos < 0) return std::nullopt;
  // Bounded before they are added up: the largest seconds are no milliseconds.
  seconds = std::min<std::int64_t>(
      seconds, std::chrono::duration_cast<std::chrono::seconds>(kLongestRetryAfter).count());
  nanos = std::min<std::int64_t>(nanos, 999'999'999);
  const std::chrono::nanoseconds delay =
      std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos);
  return std::min(kLongestRetryAfter, std::chrono::ceil<milliseconds>(delay));
}

// google.rpc.RetryInfo {Duration retry_delay = 1}
std::optional<milliseconds> ReadRetryInfo(std::string_view message) {
  Fields fields(message);
  for (Field field; fields.Next(field);) {
    if (field.number == 1 && !field.is_number) return ReadDuration(field.bytes);
  }
  return milliseconds(0);  // the field is left out where the delay is zero
}

// google.protobuf.Any {string type_url = 1; bytes value = 2}
std::optional<milliseconds> ReadDetail(std::string_view message) {
  std::string_view type;
  std::string_view value;
  Fields fields(message);
  for (Field field; fields.Next(field);) {
    if (field.number == 1) type = field.bytes;
    if (field.number == 2) value = field.bytes;
  }
  if (!type.ends_with("/google.rpc.RetryInfo")) return std::nullopt;
  return ReadRetryInfo(value);
}

}  // namespace

// google.rpc.Status {int32 code = 1; string message = 2; repeated Any details = 3}
std::optional<milliseconds> ParseRetryInfo(std::string_view status) {
  Fields fields(status);
  for (Field field; fields.Next(field);) {
    if (field.number != 3 || field.is_number) continue;
    if (const auto delay = ReadDetail(field.bytes)) return delay;
  }
  return std::nullopt;
}

std::optional<milliseconds> ParsePushback(std::string_view value) {
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 0) return std::nullopt;
  return std::min(kLongestRetryAfter, milliseconds(number));
}

}  // namespace postern::rpc::internal
