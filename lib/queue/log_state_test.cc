#include "lib/queue/log_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lib/base/testing/matchers.h"

namespace postern::queue {
namespace {

using base::Code;
using base::HasCode;

const Tag kTag{1, 2, 3};

TEST(Identity, ComesBackAsItWas) {
  const Identity identity{.tag = kTag, .store = {4, 5}, .open_count = 6};
  const std::string bytes = EncodeIdentity(identity);
  EXPECT_EQ(*ParseIdentity(bytes), identity);
  EXPECT_THAT(ParseIdentity(bytes.substr(1)), HasCode(Code::kCorrupt));
  EXPECT_THAT(ParseIdentity(bytes + "x"), HasCode(Code::kCorrupt));
}

TEST(Checkpoint, ComesBackAsItWasAndOnlyWhole) {
  const Checkpoint checkpoint{.position = 4711, .cursors = "cursors", .marks = "marks"};
  const std::string bytes = EncodeCheckpoint(checkpoint, kTag);
  EXPECT_EQ(*ParseCheckpoint(bytes, kTag, 4711), checkpoint);
  EXPECT_THAT(ParseCheckpoint(bytes, kTag, 4712), HasCode(Code::kCorrupt)) << "a renamed file";
  EXPECT_THAT(ParseCheckpoint(bytes, Tag{9}, 4711), HasCode(Code::kCorrupt));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] ^= 4;
    EXPECT_THAT(ParseCheckpoint(flipped, kTag, 4711), HasCode(Code::kCorrupt)) << "byte " << i;
    EXPECT_THAT(ParseCheckpoint(bytes.substr(0, i), kTag, 4711), HasCode(Code::kCorrupt));
  }
}

TEST(FileName, HoldsThePositionSoThatNamesSortByIt) {
  EXPECT_EQ(FileName(FileKind::kSegment, 0), "0000000000000000.log");
  EXPECT_EQ(FileName(FileKind::kCheckpoint, 0x10e0), "00000000000010e0.marks");
  EXPECT_EQ(FileName(FileKind::kDamaged, ~std::uint64_t{0}), "ffffffffffffffff.damaged");
}

TEST(FileName, IsReadAsItWasWrittenAndInNoOtherSpelling) {
  EXPECT_EQ(*PositionIn("00000000000010e0.log", FileKind::kSegment), 0x10e0U);
  for (const char* name :
       {"", ".log", "10e0.log", "00000000000010E0.log", "00000000000010e0.marks",
        "00000000000010e0.log2", "-0000000000010e0.log", "lock", "00000000000000010e0.log"}) {
    EXPECT_FALSE(PositionIn(name, FileKind::kSegment)) << name;
  }
}

}  // namespace
}  // namespace postern::queue
