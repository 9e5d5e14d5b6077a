#include "lib/log/internal/quote.h"

#include <gtest/gtest.h>

namespace postern::log::internal {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendQuoted(text, out);
  return out;
}

TEST(AppendQuoted, ShowsTextAndEscapesWhatActs) {
  using std::string_view_literals::operator""sv;
  const struct Case {
    const char* when;
    std::string_view text;
    std::string_view then;
  } kCases[] = {
      {"plain text stays", "no route to host", R"("no route to host")"},
      {"quotes and backslashes", R"(a "b" \c)", R"("a \"b\" \\c")"},
      {"the end of a line", "a\r\nb\tc", R"("a\r\nb\tc")"},
      {"a zero byte", "a\0b"sv, R"("a\u0000b")"},
      {"a terminal's colour", "\x1b[31mred", R"("\u001b[31mred")"},
      {"delete", "a\x7f", R"("a\u007f")"},
      {"a C1 control: the eight-bit CSI", "\xC2\x9B\x31m", R"("\u009b1m")"},
      {"a line separator", "a\xE2\x80\xA8zz", R"("a\u2028zz")"},
      {"text turned right to left", "a\xE2\x80\xAEzz", R"("a\u202ezz")"},
      {"a byte order mark", "\xEF\xBB\xBFzz", R"("\ufeffzz")"},
      {"letters of other languages stay", "Z\xC3\xBCrich \xE6\x9D\xB1",
       "\"Z\xC3\xBCrich \xE6\x9D\xB1\""},
      {"four-byte characters stay", "\xF0\x9F\x9A\xAA", "\"\xF0\x9F\x9A\xAA\""},
      {"a lone continuation byte", "a\x80zz", "\"a\xEF\xBF\xBDzz\""},
      {"an overlong slash", "\xC0\xAFzz", "\"\xEF\xBF\xBD\xEF\xBF\xBDzz\""},
      {"an overlong three-byte form", "\xE0\x80\x8A", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"a surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"beyond U+10FFFF", "\xF4\x90\x80\x80",
       "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"a character cut short", "a\xE2\x82", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  for (const Case& c : kCases) EXPECT_EQ(Quoted(c.text), c.then) << c.when;
}

TEST(AppendQuoted, CutsLongTextAndSaysHowMuchIsMissing) {
  EXPECT_EQ(Quoted(std::string(1024, 'x')), '"' + std::string(1024, 'x') + '"');
  EXPECT_EQ(Quoted(std::string(3000, 'x')),
            '"' + std::string(1024, 'x') + "\xE2\x80\xA6(+1976 bytes)\"");
}

TEST(AppendQuoted, CutsBetweenCharacters) {
  const std::string text = std::string(1023, 'x') + "\xC3\xBC" + "zz";
  EXPECT_EQ(Quoted(text), '"' + std::string(1023, 'x') + "\xE2\x80\xA6(+4 bytes)\"");
}

TEST(IsBare, RefusesWhatWouldBreakKeyAndValueApart) {
  EXPECT_TRUE(IsBare("gw1.example:5723"));
  for (const char* text : {"", "a b", "a=b", "a\"b", "a\\b", "a\nb", "\xC3\xBC"}) {
    EXPECT_FALSE(IsBare(text)) << text;
  }
  EXPECT_FALSE(IsBare(std::string(1025, 'x')));
}

}  // namespace
}  // namespace postern::log::internal
