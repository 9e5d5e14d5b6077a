#include "lib/log/internal/line.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace postern::log::internal {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

constexpr base::WallTime kTime{std::chrono::milliseconds(1'795'249'627'045)};

std::string Text(const std::vector<Field>& fields) {
  return Line(Format::kText, kTime, Level::kInfo, "link established", fields);
}
std::string Json(const std::vector<Field>& fields) {
  return Line(Format::kJson, kTime, Level::kInfo, "link established", fields);
}

TEST(Line, IsTimeLevelMessageAndKeysAsText) {
  EXPECT_EQ(Text({{"peer", "gw1.example"}, {"port", 5723}}),
            "2026-11-21T08:27:07.045Z INFO  link established peer=gw1.example port=5723");
}

TEST(Line, IsOneObjectAsJson) {
  EXPECT_EQ(Json({{"peer", "gw1.example"}, {"port", 5723}}),
            R"({"time":"2026-11-21T08:27:07.045Z","level":"info","message":"link established",)"
            R"("peer":"gw1.example","port":5723})");
}

TEST(Line, HasItsLevelWordWhereTheColourGoes) {
  const std::string line = Line(Format::kText, kTime, Level::kError, "it broke", {});
  EXPECT_EQ(line.substr(kLevelStart, kLevelWidth), "ERROR");
  EXPECT_EQ(line, "2026-11-21T08:27:07.045Z ERROR it broke");
}

TEST(Line, ShowsEveryKindOfValue) {
  const struct Case {
    const char* when;
    Value value;
    const char* text;
    const char* json;
  } kCases[] = {
      {"a word", "west", "west", R"("west")"},
      {"an empty text", "", R"("")", R"("")"},
      {"a text with spaces", "no such file", R"("no such file")", R"("no such file")"},
      {"a text that looks like a key", "a=b", R"("a=b")", R"("a=b")"},
      {"truth", true, "true", "true"},
      {"a negative number", -7, "-7", "-7"},
      {"the largest unsigned number", std::numeric_limits<std::uint64_t>::max(),
       "18446744073709551615", "18446744073709551615"},
      {"a fraction", 0.25, "0.25", "0.25"},
      {"no number at all", std::numeric_limits<double>::quiet_NaN(), "NaN", R"("NaN")"},
      {"less than any number", -std::numeric_limits<double>::infinity(), "-Inf", R"("-Inf")"},
      {"a second and a half", 1500ms, "1.5s", R"("1.5s")"},
      {"hours are told in seconds", 2h, "7200s", R"("7200s")"},
      {"milliseconds", 250ms, "250ms", R"("250ms")"},
      {"microseconds", 12us, "12us", R"("12us")"},
      {"nanoseconds", 7ns, "7ns", R"("7ns")"},
      {"no time", 0s, "0s", R"("0s")"},
      {"a time that ran backwards", -3s, "-3s", R"("-3s")"},
  };
  for (const Case& c : kCases) {
    const std::string text = Text({{"it", c.value}});
    EXPECT_EQ(text.substr(text.find("it=") + 3), c.text) << c.when;
    const std::string json = Json({{"it", c.value}});
    const std::size_t start = json.find(R"("it":)") + 5;
    EXPECT_EQ(json.substr(start, json.size() - 1 - start), c.json) << c.when;
  }
}

TEST(Line, CannotBeForgedByAValue) {
  const std::string forged = "x\n2026-11-21T08:27:07.045Z ERROR all is lost event=1";
  EXPECT_EQ(Text({{"peer", forged}}),
            "2026-11-21T08:27:07.045Z INFO  link established "
            R"(peer="x\n2026-11-21T08:27:07.045Z ERROR all is lost event=1")");
  const std::string closed = R"(x","event":1,"y":")";
  EXPECT_NE(Json({{"peer", closed}}).find(R"("peer":"x\",\"event\":1,\"y\":\""})"),
            std::string::npos);
}

}  // namespace
}  // namespace postern::log::internal
