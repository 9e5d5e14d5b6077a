#include "lib/queue/log_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"

namespace postern::queue {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;

const Tag kTag{1, 2, 3, 4, 5, 6, 7, 8};

std::string Sealed(Group& group, std::uint64_t position, std::uint64_t previous_end) {
  std::string bytes;
  for (const std::string_view slice : group.Seal(kTag, position, previous_end)) bytes += slice;
  return bytes;
}

TEST(SegmentHead, ComesBackAsItWas) {
  const SegmentHead head{.tag = kTag,
                         .position = 1'000'000,
                         .capacity = 16 << 20,
                         .former_end = 999'000,
                         .checkpoint = 512,
                         .first_sequence = (std::uint64_t{1} << 40) + 1};
  const std::string bytes = EncodeSegmentHead(head);
  EXPECT_EQ(bytes.size(), kSegmentHeadSize);
  POSTERN_ASSERT_OK_AND_ASSIGN(const SegmentHead again, ParseSegmentHead(bytes));
  EXPECT_EQ(again, head);
}

TEST(SegmentHead, IsRefusedWhereAnyOfItsBytesIsAnother) {
  const std::string bytes = EncodeSegmentHead({.tag = kTag, .position = 512});
  for (std::size_t i = 0; i < 60; ++i) {
    std::string flipped = bytes;
    flipped[i] ^= 4;
    EXPECT_THAT(ParseSegmentHead(flipped), HasCode(Code::kCorrupt)) << "byte " << i;
    EXPECT_THAT(ParseSegmentHead(bytes.substr(0, i)), HasCode(Code::kCorrupt));
  }
}

TEST(Group, ComesBackAsItWasWhateverItHolds) {
  std::mt19937_64 random(11);
  const std::vector<Sender> senders{{.member = "east.example", .store = {1}},
                                    {.member = "", .store = {2}},
                                    {.member = std::string(kMaxMember, 'm'), .store = {3}}};
  for (int round = 0; round < 200; ++round) {
    std::vector<Entry> entries(1 + random() % 20);
    std::uint64_t bound = kGroupHeadSize + kTrailerSize + kGroupAlignment;
    for (Entry& entry : entries) {
      if (random() % 4 > 0) entry.head = std::string(random() % 50, 'h');
      if (random() % 4 > 0) entry.body = base::Bytes::Copy(std::string(random() % 50, 'b'));
      const std::size_t sender = random() % 4;
      if (sender < 3) {
        entry.hop = Hop{.sender = senders[sender],
                        .sequence = random(),
                        .crc = static_cast<std::uint32_t>(random())};
      }
      bound += SizeBound(entry);
    }
    Group group(entries, 77, {.age = 1, .wall = 2});
    const std::uint64_t position = 8 * (random() % 1000);
    const base::Bytes bytes = base::Bytes::Copy(Sealed(group, position, position / 2) + "behind");
    ASSERT_EQ(bytes.size(), group.size() + 6);
    EXPECT_EQ(group.size() % kGroupAlignment, 0U);
    EXPECT_LE(group.size(), bound);

    POSTERN_ASSERT_OK_AND_ASSIGN(const GroupHead head,
                                 ParseGroupHead(bytes.view(), kTag, position));
    EXPECT_EQ(head.end(), position + group.size());
    EXPECT_EQ(head.stamp, (Stamp{.age = 1, .wall = 2}));
    POSTERN_ASSERT_OK_AND_ASSIGN(const std::uint64_t previous, CheckGroup(bytes.view(), head));
    EXPECT_EQ(previous, position / 2);
    POSTERN_ASSERT_OK_AND_ASSIGN(const auto again, ParseEntries(bytes, head));
    ASSERT_EQ(again.size(), entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ(again[i].body.view(), entries[i].head + std::string(entries[i].body.view()));
      EXPECT_EQ(again[i].hop, entries[i].hop);
      EXPECT_EQ(again[i].sequence, 77 + i);
    }
  }
}

TEST(Group, CanBeSealedForAnotherPlace) {
  const std::vector<Entry> entries{
      {.hop = std::nullopt, .head = {}, .body = base::Bytes::Copy("body")}};
  Group group(entries, 1, {});
  const std::string first = Sealed(group, 512, 512);
  const std::string second = Sealed(group, 1024, 800);
  EXPECT_THAT(ParseGroupHead(second, kTag, 512), HasCode(Code::kCorrupt));
  POSTERN_ASSERT_OK_AND_ASSIGN(const GroupHead head, ParseGroupHead(second, kTag, 1024));
  EXPECT_EQ(*CheckGroup(second, head), 800U);
  EXPECT_EQ(Sealed(group, 512, 512), first);
}

TEST(Group, DoesNotCopyBodies) {
  const base::Bytes body = base::Bytes::Copy(std::string(100'000, 'x'));
  const std::vector<Entry> entries{{.hop = std::nullopt, .head = {}, .body = body}};
  Group group(entries, 1, {});
  const auto slices = group.Seal(kTag, 512, 512);
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[1].data(), body.view().data());
}

TEST(Group, IsRefusedWhereAnyOfItsBytesIsAnother) {
  const std::vector<Entry> entries{
      {.hop = Hop{.sender = {.member = "east.example", .store = {1}}, .sequence = 5, .crc = 6},
       .head = {},
       .body = base::Bytes::Copy("one")},
      {.hop = std::nullopt, .head = {}, .body = base::Bytes::Copy("two")}};
  Group group(entries, 1, {});
  const std::string bytes = Sealed(group, 512, 512);
  const auto is_whole = [](std::string_view text) {
    const auto head = ParseGroupHead(text, kTag, 512);
    return head && CheckGroup(text, *head);
  };
  ASSERT_TRUE(is_whole(bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] ^= 4;
    EXPECT_FALSE(is_whole(flipped)) << "byte " << i;
    EXPECT_FALSE(is_whole(std::string_view(bytes).substr(0, i))) << "cut at " << i;
  }
}

}  // namespace
}  // namespace postern::queue
