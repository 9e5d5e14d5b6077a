#include "lib/log/internal/line.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "lib/log/internal/quote.h"

namespace postern::log::internal {
namespace {

struct LevelWords {
  const char* text;  // padded to kLevelWidth
  const char* json;
};

LevelWords WordsOf(Level level) {
  switch (level) {
    case Level::kDebug: return {"DEBUG", "debug"};
    case Level::kInfo: return {"INFO ", "info"};
    case Level::kWarn: return {"WARN ", "warn"};
    case Level::kError: return {"ERROR", "error"};
  }
  return {"?    ", "?"};
}

// RFC 3339 in UTC with milliseconds.
std::string TimeText(base::WallTime time) {
  using std::chrono::floor;
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<std::chrono::milliseconds>(time - day));
  std::array<char, 64> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(size));
}

template <typename Number>
void AppendNumber(std::string& out, Number number) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), end);
}

// Appends one value. JSON has no word for a number that is none, so it becomes a string there.
class ValueWriter {
 public:
  ValueWriter(Format format, std::string& out) : format_(format), out_(out) {}

  void operator()(std::string_view text) {
    if (format_ == Format::kText && IsBare(text)) {
      out_ += text;
    } else {
      AppendQuoted(text, out_);
    }
  }
  void operator()(bool truth) { out_ += truth ? "true" : "false"; }
  void operator()(double number) {
    if (std::isfinite(number)) return AppendNumber(out_, number);
    (*this)(std::isnan(number) ? std::string_view("NaN") : number > 0 ? "Inf" : "-Inf");
  }
  void operator()(std::int64_t number) { AppendNumber(out_, number); }
  void operator()(std::uint64_t number) { AppendNumber(out_, number); }
  void operator()(base::Duration time) { (*this)(std::string_view(DurationText(time))); }

 private:
  Format format_;
  std::string& out_;
};

}  // namespace

std::string Line(Format format, base::WallTime time, Level level, Message message,
                 std::span<const Field> fields) {
  const LevelWords words = WordsOf(level);
  std::string line;
  line.reserve(256);
  if (format == Format::kText) {
    line.append(TimeText(time)).append(" ").append(words.text).append(" ").append(message.text());
  } else {
    line.append(R"({"time":")").append(TimeText(time));
    line.append(R"(","level":")").append(words.json).append(R"(","message":)");
    AppendQuoted(message.text(), line);
  }
  ValueWriter writer(format, line);
  for (const Field& field : fields) {
    if (format == Format::kText) {
      line.append(" ").append(field.key.text()).append("=");
    } else {
      line.append(",\"").append(field.key.text()).append("\":");
    }
    std::visit(writer, field.value.get());
  }
  if (format == Format::kJson) line.push_back('}');
  return line;
}

}  // namespace postern::log::internal
