#include "lib/otlp/internal/json_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>

namespace postern::otlp::internal {
namespace {

std::string Text(std::string_view text) {
  std::string out;
  AppendText(text, out);
  return out;
}

std::string Base64(std::string_view bytes) {
  std::string out;
  AppendBase64(bytes, out);
  return out.substr(1, out.size() - 2);
}

std::string Double(double number) {
  std::string out;
  AppendDouble(number, out);
  return out;
}

TEST(AppendText, EscapesAndReplaces) {
  const std::string mark = "\xEF\xBF\xBD";
  const struct {
    const char* when;
    std::string text;
    std::string then;
  } kCases[] = {
      {"plain", "order 7", "order 7"},
      {"quotes and backslash", "\"\\", R"(\"\\)"},
      {"line breaks and tab", "\r\n\t", R"(\r\n\t)"},
      {"zero and other controls", {"\0\x1F", 2}, R"(\u0000\u001f)"},
      {"two, three and four bytes", "\u00e9\u20ac\U0001F600", "\u00e9\u20ac\U0001F600"},
      {"the largest character", "\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},
      {"beyond the largest", "\xF4\x90\x80\x80", mark + mark + mark + mark},
      {"a surrogate", "\xED\xA0\x80", mark + mark + mark},
      {"an overlong slash", "\xC0\xAF", mark + mark},
      {"an overlong form of three bytes", "\xE0\x80\xAF", mark + mark + mark},
      {"a character that is cut", "a\xE2\x82", "a" + mark + mark},
      {"a cut one before a letter", "\xE2\x82z", mark + mark + "z"},
      {"a continuation alone", "\x80", mark},
  };
  for (const auto& c : kCases) EXPECT_EQ(Text(c.text), '"' + c.then + '"') << c.when;
}

TEST(Base64, AgreesWithTheVectorsOfRfc4648) {
  const char* const kCases[][2] = {{"", ""},
                                   {"f", "Zg=="},
                                   {"fo", "Zm8="},
                                   {"foo", "Zm9v"},
                                   {"foob", "Zm9vYg=="},
                                   {"fooba", "Zm9vYmE="},
                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : kCases) {
    EXPECT_EQ(Base64(plain), coded);
    EXPECT_EQ(ReadBase64(coded), plain);
  }
}

TEST(Base64, RefusesWhatItIsNot) {
  for (const char* text : {"Z", "Zg=", "Zm9vY", "Zm 9", "====", "Zg==Zg=="}) {
    EXPECT_EQ(ReadBase64(text),
              std::string_view(text) == "Zg=" ? std::optional<std::string>("f") : std::nullopt)
        << text;
  }
}

TEST(Double, ReadsBackEqualBitForBit) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    EXPECT_EQ(ReadDouble(Double(number)), number) << Double(number);
  }
}

TEST(Double, KeepsTheSignOfZero) {
  EXPECT_EQ(Double(0.0), "0");
  EXPECT_EQ(Double(-0.0), "-0.0");
}

TEST(Double, HasThreeWordsForWhatIsNoNumber) {
  EXPECT_EQ(Double(INFINITY), "\"Infinity\"");
  EXPECT_EQ(ReadDouble("-Infinity"), -INFINITY);
  EXPECT_TRUE(std::isnan(ReadDouble("NaN").value_or(0)));
  for (const char* text : {"", "nan", "inf", "infinity", "+1", " 1", "1 ", "0x10", "1e999"}) {
    EXPECT_EQ(ReadDouble(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace postern::otlp::internal
