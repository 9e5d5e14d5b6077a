#include "lib/queue/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"

namespace postern::queue {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

LedgerEntry Entry(Reason reason, const std::string& reader, std::uint64_t after,
                  std::uint64_t through) {
  return {.number = 0,
          .wall = 1'800'000'000'000 + through,
          .reason = reason,
          .reader = reader,
          .after = after,
          .through = through,
          .records = through - after,
          .bytes = 10 * (through - after)};
}
LedgerEntry Numbered(std::uint64_t number, LedgerEntry entry) {
  entry.number = number;
  return entry;
}
std::string File(const std::vector<LedgerEntry>& entries) {
  std::string bytes(kLedgerBytes, '\0');
  for (const LedgerEntry& entry : entries) {
    bytes.replace(LedgerOffset(entry.number), kLedgerSlot, EncodeLedgerEntry(entry));
  }
  return bytes;
}

// === the file ===

TEST(ParseLedger, ReturnsWhatWasWrittenByNumber) {
  std::vector<LedgerEntry> entries;
  for (std::uint64_t number = kLedgerEntries - 3; number < kLedgerEntries + 4; ++number) {
    entries.push_back(
        Numbered(number, Entry(Reason::kResent, std::string(kMostReader, 'n'), 5, number)));
  }
  entries.front().reader = "";
  EXPECT_EQ(ParseLedger(File(entries)), entries);
  EXPECT_THAT(ParseLedger(File({})), IsEmpty());
  EXPECT_THAT(ParseLedger(""), IsEmpty());
}

TEST(ParseLedger, PassesOverASlotWithASpoiledByteAndNoOther) {
  const std::vector<LedgerEntry> entries{Numbered(1, Entry(Reason::kExpired, "a", 0, 3)),
                                         Numbered(2, Entry(Reason::kEvicted, "b", 0, 4)),
                                         Numbered(3, Entry(Reason::kRejected, "", 4, 5))};
  const std::string bytes = File(entries);
  for (std::size_t i = 0; i < kLedgerSlot; ++i) {
    std::string spoiled = bytes;
    spoiled[LedgerOffset(2) + i] ^= 4;
    EXPECT_THAT(ParseLedger(spoiled), ElementsAre(entries[0], entries[2])) << "byte " << i;
  }
}

TEST(ParseLedger, ReadsWhatAShorterFileHolds) {
  const std::string bytes = File({Numbered(1, Entry(Reason::kExpired, "a", 0, 3)),
                                  Numbered(2, Entry(Reason::kEvicted, "b", 0, 4))});
  EXPECT_THAT(ParseLedger(std::string_view(bytes).substr(0, 2 * kLedgerSlot + 9)), SizeIs(1));
}

TEST(ParseLedger, PassesOverAnEntryInASlotThatIsNotItsOwn) {
  std::string bytes = File({Numbered(1, Entry(Reason::kExpired, "a", 0, 3))});
  bytes.replace(LedgerOffset(2), kLedgerSlot, bytes, LedgerOffset(1), kLedgerSlot);
  EXPECT_THAT(ParseLedger(bytes), SizeIs(1));
}

TEST(ParseLedger, ReturnsOfTwoPlacesWhatWasWrittenThereLast) {
  const auto at = [](std::uint64_t number, int twin, std::uint64_t through) {
    LedgerEntry entry = Numbered(number, Entry(Reason::kExpired, "a", 0, through));
    entry.twin = static_cast<std::int8_t>(twin);
    return entry;
  };
  const LedgerEntry other = Numbered(6, Entry(Reason::kExpired, "b", 0, 9));
  const LedgerEntry first = at(5, 0, 3);
  const LedgerEntry second = at(7, -2, 4);
  const LedgerEntry third = at(5, 2, 5);
  EXPECT_THAT(ParseLedger(File({first, other})), ElementsAre(first, other));
  EXPECT_THAT(ParseLedger(File({first, other, second})), ElementsAre(other, second));
  EXPECT_THAT(ParseLedger(File({third, other, second})), ElementsAre(third, other));
  EXPECT_THAT(ParseLedger(File({other, second})), ElementsAre(other, second)) << "5 is torn";
  EXPECT_THAT(ParseLedger(File({third, other})), ElementsAre(third, other)) << "7 is torn";

  LedgerEntry next = Numbered(7, Entry(Reason::kExpired, "a", 3, 4));
  EXPECT_THAT(ParseLedger(File({third, other, next})), ElementsAre(third, other, next))
      << "it is an entry of its own";
}

TEST(ParseLedger, LosesBothPlacesToTheNextRoundOfTheRing) {
  LedgerEntry second = Numbered(7, Entry(Reason::kExpired, "a", 0, 4));
  second.twin = -2;
  const LedgerEntry next = Numbered(kLedgerEntries + 5, Entry(Reason::kExpired, "a", 80, 90));
  EXPECT_THAT(ParseLedger(File({second, next})), ElementsAre(next))
      << "the first place may have had more";
}

TEST(ParseLedger, PassesOverAPlaceThatNoFileHas) {
  LedgerEntry entry = Numbered(2, Entry(Reason::kExpired, "a", 0, 3));
  for (const int twin : {-2, -100}) {
    entry.twin = static_cast<std::int8_t>(twin);
    EXPECT_THAT(ParseLedger(File({entry})), IsEmpty()) << twin;
  }
  EXPECT_THAT(ParseLedger(File({Numbered(~std::uint64_t{0}, entry)})), IsEmpty());
}

TEST(LedgerSlot, CrossesNoSector) {
  for (std::uint64_t number = 1; number < 2 * kLedgerEntries; ++number) {
    const std::size_t at = LedgerOffset(number);
    EXPECT_EQ(at / 512, (at + kLedgerSlot - 1) / 512) << number;
    EXPECT_LE(at + kLedgerSlot, kLedgerBytes) << number;
  }
}

TEST(Reason, HasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (const Reason reason : kReasons) words.insert(ReasonName(reason));
  EXPECT_THAT(words, SizeIs(kReasons.size()));
  EXPECT_EQ(ReasonName(Reason::kRedelivered), "redelivered");
}

// === what is added ===

TEST(Ledger, GrowsANeighbourOfTheSameReasonAndReader) {
  const LedgerEntry first = Entry(Reason::kExpired, "a", 10, 15);
  const struct {
    const char* when;
    LedgerEntry next;
    bool joined;
  } kCases[] = {
      {"it goes on where the first ended", Entry(Reason::kExpired, "a", 15, 18), true},
      {"it ends where the first began", Entry(Reason::kExpired, "a", 7, 10), true},
      {"there is a gap between", Entry(Reason::kExpired, "a", 16, 18), false},
      {"it is of another reader", Entry(Reason::kExpired, "b", 15, 18), false},
      {"it has another reason", Entry(Reason::kEvicted, "a", 15, 18), false},
      {"it is the same again", Entry(Reason::kExpired, "a", 10, 15), false},
      {"they overlap, so that some would count twice", Entry(Reason::kExpired, "a", 12, 18), false},
  };
  for (const auto& c : kCases) {
    Ledger ledger;
    ledger.Add(first);
    ledger.Add(c.next);
    const auto entries = ledger.Collect();
    ASSERT_THAT(entries, SizeIs(c.joined ? 1 : 2)) << c.when;
    EXPECT_EQ(entries.front().number, 1U) << c.when;
    if (!c.joined) {
      EXPECT_EQ(entries, (std::vector{Numbered(1, first), Numbered(2, c.next)})) << c.when;
      continue;
    }
    EXPECT_EQ(entries.front().after, std::min(first.after, c.next.after)) << c.when;
    EXPECT_EQ(entries.front().through, std::max(first.through, c.next.through)) << c.when;
    EXPECT_EQ(entries.front().records, first.records + c.next.records) << c.when;
    EXPECT_EQ(entries.front().bytes, first.bytes + c.next.bytes) << c.when;
    EXPECT_EQ(entries.front().wall, c.next.wall) << c.when;
  }
}

TEST(Ledger, KeepsAFloodOfSingleDropsOfManyReadersShort) {
  Ledger ledger;
  std::set<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    for (const char* const reader : {"a", "b", "c"}) {
      ledger.Add(Entry(Reason::kExpired, reader, i, i + 1));
    }
    if (i % 7 != 0) continue;
    for (const LedgerEntry& entry : ledger.Collect()) numbers.insert(entry.number);
  }
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3, 4, 5, 6)) << "two places for each";
}

TEST(Ledger, GoesOnBehindWhatTheFileHolds) {
  Ledger ledger({Numbered(8, Entry(Reason::kEvicted, "a", 0, 3)),
                 Numbered(9, Entry(Reason::kExpired, "a", 0, 3))});
  EXPECT_THAT(ledger.Collect(), IsEmpty()) << "they are on the disk";
  ledger.Add(Entry(Reason::kEvicted, "a", 3, 4));
  ledger.Add(Entry(Reason::kResent, "a", 3, 4));
  const auto entries = ledger.Collect();
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].number, 10U) << "what is on the disk stays until this is there";
  EXPECT_EQ(entries[0].twin, -2);
  EXPECT_EQ(entries[0].records, 4U);
  EXPECT_EQ(entries[1].number, 11U);
}

TEST(Ledger, GrowsNoEntryWhoseSlotIsAnothersBeforeLong) {
  Ledger ledger;
  std::uint64_t records = 0;
  std::set<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < 3 * Ledger::kGrowing; ++i) {
    ledger.Add(Entry(Reason::kExpired, "a", i, i + 1));  // grows in every round
    ledger.Add(Entry(Reason::kResent, "b", 3 * i, 3 * i + 1));
    const auto entries = ledger.Collect();
    ASSERT_LE(entries.back().number - entries.front().number, Ledger::kGrowing) << "round " << i;
    for (const LedgerEntry& entry : entries) {
      if (entry.reader != "a") continue;
      numbers.insert(entry.number);
      records = entry.records;
    }
  }
  EXPECT_THAT(numbers, SizeIs(testing::Gt(1U)));
  EXPECT_LT(records, 3 * Ledger::kGrowing) << "the last one began anew";
}

TEST(Ledger, CollectsAgainWhatDidNotGetToTheDisk) {
  Ledger ledger;
  ledger.Add(Entry(Reason::kExpired, "a", 0, 3));
  ledger.Add(Entry(Reason::kEvicted, "b", 0, 3));
  const auto out = ledger.Collect();
  ledger.Add(Entry(Reason::kExpired, "a", 3, 5));  // while they are out
  ledger.FallBack(out);
  const auto again = ledger.Collect();
  ASSERT_THAT(again, SizeIs(2));
  EXPECT_EQ(again[0].number, 1U) << "in the place that was being written";
  EXPECT_EQ(again[0].through, 5U);
  EXPECT_EQ(again[1], out[1]);
  EXPECT_THAT(ledger.Collect(), IsEmpty());
}

TEST(Ledger, CollectsWhatGrewWhileItWasOut) {
  Ledger ledger;
  ledger.Add(Entry(Reason::kExpired, "a", 0, 3));
  ledger.Collect();
  ledger.Add(Entry(Reason::kExpired, "a", 3, 5));
  const auto entries = ledger.Collect();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries.front().number, 2U);
  EXPECT_EQ(entries.front().records, 5U);
}

// Each is written over the place that the disk can do without, and over the same one again where
// that failed.
TEST(Ledger, WritesWhatGrowsToItsTwoPlacesInTurn) {
  Ledger ledger;
  std::uint64_t last = 0;
  const auto grow = [&] {
    ledger.Add(Entry(Reason::kExpired, "a", last, last + 1));
    ++last;
    auto entries = ledger.Collect();
    CHECK(entries.size() == 1, "there is one");
    return entries;
  };
  EXPECT_EQ(grow().front().number, 1U);
  ledger.Add(Entry(Reason::kEvicted, "b", 0, 1));
  const auto both = (ledger.Add(Entry(Reason::kExpired, "a", 1, 2)), ++last, ledger.Collect());
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0].number, 3U);
  EXPECT_EQ(both[0].twin, -2);
  auto out = grow();
  EXPECT_EQ(out.front().number, 1U);
  EXPECT_EQ(out.front().twin, 2);
  for (int i = 0; i < 3; ++i) {
    ledger.FallBack(out);
    out = grow();
    EXPECT_EQ(out.front().number, 1U) << "3 is the one that is whole";
  }
  Ledger restarted(ParseLedger(File({both[0], both[1], out.front()})));
  restarted.Add(Entry(Reason::kExpired, "a", last, last + 1));
  restarted.Add(Entry(Reason::kResent, "c", 0, 1));
  const auto after = restarted.Collect();
  ASSERT_THAT(after, SizeIs(2));
  EXPECT_EQ(after[0].number, 3U);
  EXPECT_EQ(after[0].records, last + 1);
  EXPECT_EQ(after[1].number, 4U) << "no number is used twice";
}

TEST(Ledger, IsBoundedWhileTheDiskFails) {
  Ledger ledger;
  for (std::uint64_t i = 0; i < Ledger::kMostWaiting; ++i) {
    ASSERT_THAT(ledger.Admits(Reason::kResent, "b"), IsOk());
    ledger.Add(Entry(Reason::kResent, "b", 3 * i, 3 * i + 1));
  }
  EXPECT_THAT(ledger.Admits(Reason::kResent, "a"), HasCode(Code::kExhausted));
  EXPECT_THAT(ledger.Admits(Reason::kExpired, "b"), HasCode(Code::kExhausted));
  ASSERT_THAT(ledger.Admits(Reason::kResent, "b"), IsOk());
  ledger.Add(Entry(Reason::kResent, "b", 5000, 5007));
  ledger.FallBack(ledger.Collect());
  auto entries = ledger.Collect();
  ASSERT_THAT(entries, SizeIs(Ledger::kMostWaiting));
  EXPECT_EQ(entries.front().after, 0U);
  EXPECT_EQ(entries.front().through, 5007U) << "what lies between is covered";
  EXPECT_EQ(entries.front().records, 8U) << "and not counted";
  EXPECT_THAT(ledger.Admits(Reason::kResent, "a"), IsOk()) << "nothing waits any more";
}

TEST(Ledger, AdmitsNoNameThatIsTooLong) {
  Ledger ledger;
  EXPECT_THAT(ledger.Admits(Reason::kResent, std::string(kMostReader, 'n')), IsOk());
  EXPECT_THAT(ledger.Admits(Reason::kResent, std::string(kMostReader + 1, 'n')),
              HasCode(Code::kInvalid));
}

}  // namespace
}  // namespace postern::queue
