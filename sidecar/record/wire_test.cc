#include "sidecar/record/wire.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace postern::record {
namespace {

TEST(Wire, NumbersComeBackAtEveryWidth) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t value = std::uint64_t{1} << bit;
    for (const std::uint64_t number : {value - 1, value, value + 1}) {
      std::string bytes;
      Writer(bytes).Number(number);
      Reader in(bytes);
      EXPECT_EQ(in.Number(), number);
      EXPECT_TRUE(in.ok() && in.done());
    }
  }
}

TEST(Wire, ReaderStopsAtTheEnd) {
  Reader in("ab");
  EXPECT_EQ(in.Raw(3), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.Byte(), 0) << "nothing is read after a fault";
}

TEST(Wire, NumberLongerThanSixtyFourBitsIsAFault) {
  const std::string eleven_bytes = std::string(10, '\xff') + '\x01';
  Reader eleven(eleven_bytes);
  EXPECT_EQ(eleven.Number(), 0U);
  EXPECT_FALSE(eleven.ok());
  const std::string too_large = std::string(9, '\xff') + '\x02';
  Reader overflow(too_large);
  EXPECT_EQ(overflow.Number(), 0U);
  EXPECT_FALSE(overflow.ok());
}

TEST(Wire, TextBeyondItsBoundIsAFault) {
  std::string bytes;
  Writer(bytes).Text("hello");
  EXPECT_EQ(Reader(bytes).Text(5), "hello");
  Reader in(bytes);
  EXPECT_EQ(in.Text(4), "");
  EXPECT_FALSE(in.ok());
}

TEST(Wire, WordsAreLittleEndian) {
  std::string bytes;
  Writer(bytes).Word(0x01020304);
  EXPECT_EQ(bytes, std::string("\x04\x03\x02\x01"));
  EXPECT_EQ(Reader(bytes).Word(), 0x01020304U);
}

}  // namespace
}  // namespace postern::record
