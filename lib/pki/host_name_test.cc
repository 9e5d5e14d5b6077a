#include "lib/pki/host_name.h"

#include <gtest/gtest.h>

namespace postern::pki {
namespace {

using std::string_literals::operator""s;

struct Case {
  const char* when;
  std::string text;
  bool then;
};

const Case kCases[] = {
    {"a full name", "gw1.branch.example", true},
    {"a single label", "gw1", true},
    {"an underscore", "gw_1.example", true},
    {"the longest label", std::string(63, 'a'), true},
    {"nothing", "", false},
    {"a label too long", std::string(64, 'a'), false},
    {"a trailing dot", "gw1.", false},
    {"an empty label", "gw1..example", false},
    {"a dash in front", "-gw1", false},
    {"a wildcard", "*.example", false},
    {"a space", "gw 1", false},
    {"a line break, which would forge a log line", "gw1\nERROR", false},
    {"a NUL", "gw1\0.example"s, false},
    {"letters beyond ASCII", "gäteway", false},
};

TEST(IsHostName, TakesOnlyPlainNames) {
  for (const Case& row : kCases) EXPECT_EQ(IsHostName(row.text), row.then) << row.when;
}

TEST(IsHostName, EndsAt253Bytes) {
  std::string name = "a";
  while (name.size() < 253) name += ".a";
  EXPECT_TRUE(IsHostName(name));
  EXPECT_FALSE(IsHostName(name + ".a"));
}

TEST(SameHostName, IgnoresCaseAlone) {
  EXPECT_TRUE(SameHostName("GW1.Example", "gw1.eXAMPLE"));
  EXPECT_FALSE(SameHostName("gw1.example", "gw1.example."));
  EXPECT_FALSE(SameHostName("gw1", "gw1.example"));
}

TEST(Printable, LeavesNothingThatMovesACursor) {
  EXPECT_EQ(Printable("a\x1b[2J\n\xc3\xa4"), "a?[2J???");
  EXPECT_EQ(Printable(std::string(1000, 'x')).size(), 253U);
}

}  // namespace
}  // namespace postern::pki
