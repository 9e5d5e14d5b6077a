#include "lib/yaml/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/json/print.h"
#include "lib/yaml/parse.h"

namespace postern::yaml {
namespace {

using json::Array;
using json::Object;
using json::Value;

TEST(Print, WritesBlocks) {
  const Value value = Object{
      {"host", "gw1.example"},
      {"ports", Array{4317, 4318}},
      {"segments", Array{Value(Object{{"position", "0000"}, {"bytes", 7}}), Value(Object{})}},
      {"nested", Object{{"deeper", Object{{"empty", Array{}}}}}},
      {"lists", Array{Value(Array{1, 2}), Value(Array{3})}},
      {"nothing", nullptr},
      {"whole", true}};
  EXPECT_EQ(yaml::Print(value), R"(host: gw1.example
ports:
  - 4317
  - 4318
segments:
  - position: "0000"
    bytes: 7
  - {}
nested:
  deeper:
    empty: []
lists:
  - - 1
    - 2
  - - 3
nothing: null
whole: true
)");
}

TEST(Print, WritesALoneScalar) {
  EXPECT_EQ(yaml::Print(Value(5)), "5\n");
  EXPECT_EQ(yaml::Print(Value(Array{})), "[]\n");
}

TEST(Print, QuotesWhatSomebodyCouldTakeForAnythingElse) {
  for (const char* text :
       {"",     "true", "No",   "ON",       "null", "~",  "12",         "1e5",
        "0x10", "-",    "- a",  "a: b",     "a #b", " a", "a ",         "*a",
        "&a",   "!a",   "a\nb", "\x1b[31m", "\"",   "'",  "2026-11-21", "über"}) {
    EXPECT_EQ(yaml::Print(Value(text)), json::Print(Value(text)) + "\n") << text;
  }
  for (const char* text : {"uplink", "east.example", "a/b_c-d", "nobody"}) {
    EXPECT_EQ(yaml::Print(Value(text)), std::string(text) + "\n");
  }
}

TEST(Print, IsReadBackAsTheSameValue) {
  const Value value = Object{
      {"a",
       Array{Value("yes"), Value(Object{{"b", Array{Value(Array{Value("x: y")})}}}), Value(1.5)}},
      {"c", Object{{"d", ""}, {"e", Object{{"f", 18446744073709551615U}}}}},
      {"g", "line\nbreak"}};
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto documents, Parse(yaml::Print(value), "printed"));
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_EQ(ToJson(documents[0].root), value) << yaml::Print(value);
}

}  // namespace
}  // namespace postern::yaml
