#include "cli/table.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoSpacesBehind) {
  Table table({"A", "LONG HEAD", "C"});
  EXPECT_TRUE(table.empty());
  table.Add({"long cell", "b", ""});
  table.Add({"a", "", "c"});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.Text(),
            "A          LONG HEAD  C\n"
            "long cell  b\n"
            "a                     c\n");
}

TEST(Table, ShowsNothingThatATerminalWouldObey) {
  Table table({"NAME"});
  table.Add({"\x1b[31mred\r\n\x7f"});
  EXPECT_EQ(table.Text(), "NAME\n?[31mred???\n");
}

TEST(Figures, AreRoundedForPeople) {
  struct Case {
    std::uint64_t bytes;
    const char* text;
  };
  const Case cases[] = {{0, "0 B"},
                        {1023, "1023 B"},
                        {1024, "1.0 KiB"},
                        {1536, "1.5 KiB"},
                        {(1 << 20) - 1, "1.0 MiB"},
                        {16 << 20, "16.0 MiB"},
                        {std::uint64_t{5} << 30, "5.0 GiB"},
                        {std::uint64_t{3} << 50, "3072.0 TiB"}};
  for (const Case& one : cases) EXPECT_EQ(SizeText(one.bytes), one.text);
}

TEST(Figures, TellTimeAsRfc3339InUtc) {
  EXPECT_EQ(TimeText(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(TimeText(1'800'000'000'007), "2027-01-15T08:00:00.007Z");
}

TEST(Figures, TellSpansInTwoUnits) {
  struct Case {
    std::uint64_t span;
    const char* text;
  };
  const Case cases[] = {{0, "0 ms"},         {999, "999 ms"},         {59'999, "59 s"},
                        {60'000, "1 min"},   {423'000, "7 min 3 s"},  {7'500'000, "2 h 5 min"},
                        {86'400'000, "1 d"}, {273'600'000, "3 d 4 h"}};
  for (const Case& one : cases) EXPECT_EQ(SpanText(one.span), one.text);
}

TEST(Figures, CountAndName) {
  EXPECT_EQ(CountText(1, "record"), "1 record");
  EXPECT_EQ(CountText(0, "record"), "0 records");
  EXPECT_EQ(PositionText(0x1f), "000000000000001f");
  EXPECT_EQ(StoreText({0x01, 0xab}), "01ab" + std::string(28, '0'));
}

}  // namespace
}  // namespace postern::cli
