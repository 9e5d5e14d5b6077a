#include "lib/otlp/internal/wire_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::otlp::internal {
namespace {

TEST(WireReader, ReadsEachTypeOfField) {
  const std::string message(
      "\x08\x96\x01\x11\x08\x07\x06\x05\x04\x03\x02\x01\x1A\x02hi\x25\x04\x03\x02\x01", 21);
  WireReader reader(message);
  WireField field;
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.number, 1U);
  EXPECT_EQ(field.value, 150U);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.type, WireType::kFixed64);
  EXPECT_EQ(field.value, 0x0102030405060708U);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.bytes, "hi");
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.type, WireType::kFixed32);
  EXPECT_EQ(field.value, 0x01020304U);
  EXPECT_FALSE(reader.Next(field));
  EXPECT_TRUE(reader.ok());
}

TEST(WireReader, StopsAtTheFirstBytesThatAreNoField) {
  const std::string whole(
      "\x08\x96\x01\x11\x08\x07\x06\x05\x04\x03\x02\x01\x1A\x02hi\x25\x04\x03\x02\x01", 21);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    WireReader reader(std::string_view(whole).substr(0, cut));
    WireField field;
    while (reader.Next(field)) continue;
    const bool between_fields = cut == 0 || cut == 3 || cut == 12 || cut == 16;
    EXPECT_EQ(reader.ok(), between_fields) << "cut at " << cut;
    EXPECT_FALSE(reader.Next(field)) << "and stays there";
  }
}

TEST(WireReader, TakesAVarintOfTenBytesAndNoMore) {
  WireField field;
  EXPECT_TRUE(WireReader("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01").Next(field));
  EXPECT_EQ(field.value, ~std::uint64_t{0});
  EXPECT_FALSE(WireReader("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01").Next(field));
}

TEST(WireReader, ReadsPackedValuesWithoutTags) {
  WireReader reader("\x01\x96\x01");
  EXPECT_EQ(reader.NextPacked(WireType::kVarint), 1U);
  EXPECT_EQ(reader.NextPacked(WireType::kVarint), 150U);
  EXPECT_EQ(reader.NextPacked(WireType::kVarint), std::nullopt);
  EXPECT_TRUE(reader.ok());
  WireReader cut("\x01\x96");
  while (cut.NextPacked(WireType::kVarint)) continue;
  EXPECT_FALSE(cut.ok());
}

}  // namespace
}  // namespace postern::otlp::internal
