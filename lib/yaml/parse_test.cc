#include "lib/yaml/parse.h"

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/json/print.h"

namespace postern::yaml {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;

std::string Printed(std::string_view text) {
  const auto documents = Parse(text, "x.yaml");
  if (!documents) return documents.error().message();
  std::string printed;
  for (const Document& document : *documents) printed += json::Print(ToJson(document.root)) + "\n";
  return printed;
}

struct Reading {
  const char* when;
  const char* text;
  const char* then;
};

const Reading kReadings[] = {
    {"a file is empty", "", ""},
    {"a file holds comments only", "# nothing\n", ""},
    {"maps and lists nest", "a:\n- b\n- c: {d: e}\n",
     R"({"a":["b",{"c":{"d":"e"}}]})"
     "\n"},
    {"several documents stand in a file", "a: 1\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}\n"},
    {"documents hold nothing", "---\n---\na: 1\n---\n", "{\"a\":1}\n"},
    {"a document ends with dots", "a: 1\n...\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}\n"},
    {"a file begins with a byte order mark",
     "\xef\xbb\xbf"
     "a: 1\n",
     "{\"a\":1}\n"},
    {"lines end as on Windows", "a: 1\r\nb: 'x'\r\n",
     R"({"a":1,"b":"x"})"
     "\n"},
    {"a tab stands behind a value", "a: 1\t# one\n", "{\"a\":1}\n"},
    {"text is not ASCII", "a: grün\n", "{\"a\":\"grün\"}\n"},
    {"YAML 1.1 would see truth values", "[on, off, yes, no, y, n, True, FALSE]",
     R"(["on","off","yes","no","y","n","True","FALSE"])"
     "\n"},
    {"words are exactly true and false", "[true, false, 'true']", "[true,false,\"true\"]\n"},
    {"YAML 1.1 would see numbers", "[0755, 0o7, 0x1F, 1_000, 12:30, .5, +1, 1., .inf, .nan, 1e, -]",
     R"(["0755","0o7","0x1F","1_000","12:30",".5","+1","1.",".inf",".nan","1e","-"])"
     "\n"},
    {"numbers are as JSON writes them", "[0, -1, 1.5, 1e3, -0.5E-2, '1']",
     "[0,-1,1.5,1000.0,-0.005,\"1\"]\n"},
    {"null is spelled in another way", "[Null, NULL, nUll, 'NULL']",
     R"([null,null,"nUll","NULL"])"
     "\n"},
    {"YAML would see a date", "a: 2024-01-31", "{\"a\":\"2024-01-31\"}\n"},
    {"nothing is written in three ways", "{a: ~, b: null, c: , d: 'null'}",
     R"({"a":null,"b":null,"c":null,"d":"null"})"
     "\n"},
    {"quotes hold quotes", R"({a: 'it''s', b: "a \"b\" \\"})",
     R"({"a":"it's","b":"a \"b\" \\"})"
     "\n"},
    {"a block keeps its lines", "a: |\n  x\n  'y\n", "{\"a\":\"x\\n'y\\n\"}\n"},
};

TEST(Parse, ReadsWhatIsWritten) {
  for (const Reading& row : kReadings) EXPECT_EQ(Printed(row.text), row.then) << row.when;
}

const Reading kRefusals[] = {
    {"a key comes twice", "a: 1\nb: 2\na: 3\n",
     "x.yaml:3: \"a\": duplicate key; the first is in line 1"},
    {"a key comes twice, once quoted", "{a: 1, 'a': 2}",
     "x.yaml:1: \"a\": duplicate key; the first is in line 1"},
    {"a key of two lines comes twice", "{\"a\\nb\": 1, \"a\\nb\": 2}",
     "x.yaml:1: \"a\\nb\": duplicate key; the first is in line 1"},
    {"a value has an anchor", "a: 1\nb: &x 2\n",
     "x.yaml:2: an anchor or alias; write the value out at each place"},
    {"a map has an anchor", "a: &x\n  b: 1\n",
     "x.yaml:1: an anchor or alias; write the value out at each place"},
    {"nothing has an anchor", "a: &x\n",
     "x.yaml:1: an anchor or alias; write the value out at each place"},
    {"an alias has no anchor", "a: *x\n",
     "x.yaml:1: not YAML: the referenced anchor is not defined"},
    {"a scalar has a tag", "a: !!str 1\n",
     "x.yaml:1: a tag; remove it, and quote the value where it is a string"},
    {"a list has a tag", "a:\n  !!set [b]\n",
     "x.yaml:2: a tag; remove it, and quote the value where it is a string"},
    {"a scalar has the empty tag", "a: ! 1\n",
     "x.yaml:1: a tag; remove it, and quote the value where it is a string"},
    {"a list is a key", "? [a, b]\n: c\n",
     "x.yaml:1: a list or map where a key belongs; write a word, or close the bracket before"},
    {"a map is a key", "{{a: b}: c}",
     "x.yaml:1: a list or map where a key belongs; write a word, or close the bracket before"},
    {"nothing is a key", "a: 1\n: b\n",
     "x.yaml:2: a key is missing; write one in front of the colon"},
    {"null is a key", "~: b\n", "x.yaml:1: a key is missing; write one in front of the colon"},
    {"a tab indents", "a:\n\tb: 1\n", "x.yaml:2: a tab indents; write spaces"},
    {"a tab indents behind spaces", "a:\n  \tb: 1\n", "x.yaml:2: a tab indents; write spaces"},
    {"a line holds nothing but a tab", "a: 1\n\t\nb: 2\n", "x.yaml:2: a tab indents; write spaces"},
    {"a directive begins the file", "%YAML 1.1\n---\na: on\n",
     "x.yaml:1: a directive; this file needs none, remove the line"},
    {"text follows the document", "{a: 1}\n{b: 2}\n",
     "x.yaml:2: text after the end of the document; begin another with ---"},
    {"double quotes stay open", "a: 1\nb: \"x\nc: 2\n",
     "x.yaml:2: the quotes that begin here are never closed; close them"},
    {"single quotes stay open", "a: 'it''s\n",
     "x.yaml:1: the quotes that begin here are never closed; close them"},
    {"a list stays open", "a: [1, 2\n", "x.yaml:2: not YAML: end of sequence flow not found"},
    {"a list stays open in the last line", "a: [1, [2",
     "x.yaml:1: a list or map where a key belongs; write a word, or close the bracket before"},
    {"indentation goes astray", "a:\n  b: 1\n c: 2\n", "x.yaml:3: not YAML: end of map not found"},
    {"a value holds a second colon", "a: b: c\n", "x.yaml:1: not YAML: illegal map value"},
    {"bytes are no UTF-8", "a: 1\nb: \xff\n", "x.yaml:2: not UTF-8; save the file as UTF-8"},
    {"bytes are overlong UTF-8", "\xc0\xaf", "x.yaml:1: not UTF-8; save the file as UTF-8"},
    {"bytes are a surrogate", "\xed\xa0\x80", "x.yaml:1: not UTF-8; save the file as UTF-8"},
    {"UTF-8 is cut", "a: \xe2\x82", "x.yaml:1: not UTF-8; save the file as UTF-8"},
    {"a control character stands in it", "a: 1\nb: \x01\n",
     "x.yaml:2: a control character; remove it"},
    {"a carriage return stands alone", "a: 1\rb: 2\n", "x.yaml:1: a control character; remove it"},
};

TEST(Parse, RefusesWithTheLine) {
  for (const Reading& row : kRefusals) {
    EXPECT_EQ(Printed(row.text), row.then) << row.when;
    EXPECT_THAT(Parse(row.text, "x.yaml"), HasCode(Code::kInvalid)) << row.when;
  }
}

TEST(Parse, RefusesUtf16) {
  using namespace std::string_view_literals;
  EXPECT_THAT(Parse("\xff\xfe"
                    "a\0:\0"sv,
                    "x.yaml"),
              FailsWith("not UTF-8"));
  EXPECT_THAT(Parse("a\0:\0 \0b\0"sv, "x.yaml"), FailsWith("a control character"));
}

TEST(Parse, RefusesTooMuchText) {
  EXPECT_THAT(Parse(std::string(kMaxBytes + 1, '#'), "x.yaml"), HasCode(Code::kExhausted));
  EXPECT_THAT(Parse(std::string(kMaxBytes, '#'), "x.yaml"), IsOk());
}

std::string Repeated(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(Parse, RefusesNestingBeyondItsBound) {
  EXPECT_THAT(Parse(Repeated("[", 64) + Repeated("]", 64), "x.yaml"), IsOk());
  EXPECT_THAT(Parse(Repeated("[", 65) + Repeated("]", 65), "x.yaml"),
              FailsWith("x.yaml:1: nested deeper than 64"));
}

// yaml-cpp recurses for each level: without the guard these end the program.
TEST(Parse, SurvivesAnyDepth) {
  const std::pair<const char*, const char*> kFlow[] = {
      {"[", "]"}, {"{a: ", "}"}, {"[{a: ", "}]"}, {"{a: [", "]}"}, {"[a: ", "]"}};
  for (const auto& [open, close] : kFlow) {
    const std::string opened = Repeated(open, 50'000);
    EXPECT_THAT(Parse(opened + Repeated(close, 50'000), "x.yaml"), FailsWith("nested deeper"))
        << open;
    EXPECT_THAT(Parse(opened, "x.yaml"), HasCode(Code::kInvalid)) << open;
  }
  EXPECT_THAT(Parse(Repeated("[", 100'000), "x.yaml"), HasCode(Code::kInvalid));
  for (const char* open : {"- ", "? ", "- ? "}) {
    EXPECT_THAT(Parse(Repeated(open, 100'000), "x.yaml"), HasCode(Code::kInvalid)) << open;
  }
  EXPECT_THAT(Parse(Repeated("- ", 100'000), "x.yaml"), FailsWith("nested deeper than 64"));
  std::string stairs;
  for (int depth = 0; depth < 1'400; ++depth) stairs += std::string(depth, ' ') + "a:\n";
  EXPECT_THAT(Parse(stairs, "x.yaml"), FailsWith("x.yaml:65: nested deeper than 64"));
}

TEST(Parse, RefusesABombOfAliases) {
  std::string text = "a: &a [x, x]\n";
  for (char name = 'b'; name <= 'z'; ++name) {
    const char last = static_cast<char>(name - 1);
    text.append({name, ':', ' ', '&', name, ' ', '[', '*', last, ',', ' ', '*', last, ']', '\n'});
  }
  EXPECT_THAT(Parse(text, "x.yaml"), FailsWith("x.yaml:1: an anchor or alias"));
}

TEST(Parse, IsNotQuadraticInTheNumberOfKeys) {
  std::string text;
  for (int i = 0; i < 90'000; ++i) text += std::to_string(i) + ": 0\n";
  EXPECT_THAT(Parse(text, "x.yaml"), IsOk());
}

}  // namespace
}  // namespace postern::yaml
