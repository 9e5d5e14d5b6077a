#include "lib/http2/grpc_framing.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::http2 {
namespace {

TEST(PercentEncode, KeepsPrintableAsciiAndEscapesTheRest) {
  struct Case {
    const char* text;
    const char* then;
  };
  const Case kCases[] = {
      {"", ""},
      {"a plain sentence; 1 < 2.", "a plain sentence; 1 < 2."},
      {"100%", "100%25"},
      {"two\nlines\r", "two%0Alines%0D"},
      {"caf\xc3\xa9", "caf%C3%A9"},
      {"\x7f\x1f ~", "%7F%1F ~"},
  };
  for (const Case& c : kCases) EXPECT_EQ(PercentEncode(c.text), c.then) << c.text;
}

TEST(PercentDecode, UndoesIt) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  EXPECT_EQ(PercentDecode(PercentEncode(every)), every);
}

TEST(PercentDecode, LeavesWhatIsNoEscape) {
  for (const char* text : {"%", "%4", "100%", "%zz", "%%"}) EXPECT_EQ(PercentDecode(text), text);
}

TEST(MessagePrefix, IsPutTogetherFromAnyChunks) {
  const std::string bytes("\x01\x01\x02\x03\x04rest", 9);
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    MessagePrefix prefix;
    bool whole = false;
    std::string_view chunk;
    for (std::size_t at = 0; !whole; at += step) {
      chunk = std::string_view(bytes).substr(at, step);
      whole = prefix.Take(chunk);
    }
    EXPECT_EQ(prefix.flag(), 1) << step;
    EXPECT_EQ(prefix.size(), 0x01020304U) << step;
    EXPECT_TRUE(chunk.empty() || chunk.front() == 'r') << step;
  }
}

TEST(MessagePrefix, BeginsAnewAfterReset) {
  MessagePrefix prefix;
  std::string_view first(std::string_view("\0\0\0\0\x07", 5));
  ASSERT_TRUE(prefix.Take(first));
  prefix.Reset();
  std::string_view second(std::string_view("\0\0\0\0", 4));
  EXPECT_FALSE(prefix.Take(second));
}

}  // namespace
}  // namespace postern::http2
