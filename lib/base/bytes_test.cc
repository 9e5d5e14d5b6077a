#include "lib/base/bytes.h"

#include <gtest/gtest.h>

namespace postern::base {
namespace {

TEST(BytesBuilder, TakesNoMoreThanItsSize) {
  BytesBuilder builder(5);
  EXPECT_EQ(builder.Append("abc"), 3U);
  EXPECT_EQ(builder.Append("defg"), 2U);
  EXPECT_EQ(builder.missing(), 0U);
  EXPECT_EQ(std::move(builder).Finish().view(), "abcde");
}

TEST(BytesBuilder, EmptyNeedsNoMemory) { EXPECT_TRUE(std::move(BytesBuilder(0)).Finish().empty()); }

TEST(Bytes, SliceKeepsTheMemoryAlive) {
  Bytes slice;
  {
    const Bytes whole = Bytes::Copy("header|body");
    slice = whole.Slice(7);
    EXPECT_EQ(slice.view().data(), whole.view().data() + 7);
  }
  EXPECT_EQ(slice.view(), "body");
  EXPECT_EQ(slice.Slice(1, 2).view(), "od");
}

TEST(BytesDeathTest, SliceBeyondTheEndIsABug) {
  EXPECT_DEATH((void)Bytes::Copy("ab").Slice(3), "a slice starts inside its bytes");
}

}  // namespace
}  // namespace postern::base
