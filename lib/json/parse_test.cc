#include "lib/json/parse.h"

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/json/print.h"

namespace postern::json {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;

TEST(Parse, KeepsTheOrderOfKeys) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Value value, Parse(R"({"z": [1, {"b": null}], "a": "x"})"));
  EXPECT_EQ(Print(value), R"({"z":[1,{"b":null}],"a":"x"})");
}

TEST(Parse, KeepsWholeNumbersWhole) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Value value,
                               Parse("[-9223372036854775808, 18446744073709551615, 1.5, 1e3]"));
  const Array& items = *value.AsArray();
  EXPECT_EQ(items[0].AsInt(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(items[1].AsUint(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(items[2].AsDouble(), 1.5);
  EXPECT_EQ(items[3].AsInt(), std::nullopt);
}

struct Refusal {
  const char* when;
  std::string_view text;
  const char* then;
};

const Refusal kRefusals[] = {
    {"there is no text", "", "1:1: syntax error while parsing value - unexpected end of input"},
    {"a value is missing", "{\"a\":\n }", "2:2: syntax error while parsing value - unexpected '}'"},
    {"more text follows", "{} x", "1:4: syntax error while parsing value - invalid literal"},
    {"a comma hangs over", "[1,]", "1:4: syntax error while parsing value - unexpected ']'"},
    {"a comment stands in it", "// a\n{}", "1:1: syntax error"},
    {"a key has no quotes", "{a: 1}",
     "1:2: syntax error while parsing object key - invalid literal"},
    {"a number is too large", "[1e999]", "1:7: the number is too large"},
    {"a string is not closed", "\"abc",
     "1:4: syntax error while parsing value - invalid string: "
     "missing closing quote"},
    {"a string is no UTF-8", "\"\xff\"",
     "1:2: syntax error while parsing value - invalid string: "
     "ill-formed UTF-8 byte"},
    {"a key comes twice", "{\"a\": 1,\n \"a\": 2}", "2:2: duplicate key \"a\""},
    {"a key comes twice, once escaped", "{\"a\\\"\": 1, \"\\u0061\\\"\": 2}",
     "1:12: duplicate key \"a\\\"\""},
    {"a key comes twice deep inside", R"([{"x": {"b": 1, "b": 1}}])", "1:17: duplicate key \"b\""},
};

TEST(Parse, RefusesWithLineAndColumn) {
  for (const Refusal& row : kRefusals) {
    SCOPED_TRACE(row.when);
    EXPECT_THAT(Parse(row.text), HasCode(Code::kInvalid));
    EXPECT_THAT(Parse(row.text), FailsWith(row.then));
  }
}

TEST(Parse, NeverRepeatsWhatItRead) {
  const auto result = Parse(R"({"token": "hunter2" "x"})");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(),
            "1:23: syntax error while parsing object - unexpected string literal; expected '}'");
}

TEST(Parse, AllowsTheSameKeyInTwoObjects) {
  EXPECT_THAT(Parse(R"([{"a": 1}, {"a": {"a": 2}}])"), IsOk());
}

TEST(Parse, RefusesNestingBeyondItsBound) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_THAT(Parse(nested(64)), IsOk());
  EXPECT_THAT(Parse(nested(65)), FailsWith("1:65: nested deeper than 64"));
  EXPECT_THAT(Parse(nested(3), {.depth = 2}), FailsWith("1:3: nested deeper than 2"));
}

TEST(Parse, SurvivesAMillionBrackets) {
  EXPECT_THAT(Parse(std::string(1'000'000, '[')), FailsWith("nested deeper than 64"));
  // The parser itself keeps its own stack: even unbounded it would not use ours.
  EXPECT_THAT(Parse(std::string(1'000'000, '['), {.depth = 2'000'000}), HasCode(Code::kInvalid));
}

TEST(Parse, RefusesTextBeyondItsBound) {
  EXPECT_THAT(Parse("[1, 2]", {.bytes = 5}), HasCode(Code::kExhausted));
  EXPECT_THAT(Parse("[1, 2]", {.bytes = 6}), IsOk());
}

TEST(Parse, IsNotQuadraticInTheNumberOfKeys) {
  std::string text = "{";
  for (int i = 0; i < 70'000; ++i) text += "\"" + std::to_string(i) + "\":0,";
  text += "\"end\":0}";
  EXPECT_THAT(Parse(text), IsOk());
}

}  // namespace
}  // namespace postern::json
