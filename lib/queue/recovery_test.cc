#include "lib/queue/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "lib/queue/testing/segment_builder.h"

namespace postern::queue {

void PrintTo(const Damage& damage, std::ostream* out) {
  *out << "[" << damage.from << ", " << damage.to << ") between " << damage.after << " and "
       << damage.before;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Tag kTag{1, 2, 3};

// Segment A at 0 holds records 1-2, 3 and 4; B at 5000 holds 5 and 6; C at 9000 holds 7.
class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() {
    a_.Add(1, {"one", "two"}).Add(3, {"three"}).Add(4, {"four"});
    b_ = SegmentBuilder(kTag, 5000, a_.end());
    b_.Add(5, {"five"}).Add(6, {"six"});
    c_ = SegmentBuilder(kTag, 9000, b_.end());
    c_.Add(7, {"seven"});
  }
  static Recovery Recover(const std::map<std::uint64_t, std::string>& segments) {
    Recovery recovery;
    for (const auto& [position, bytes] : segments) {
      recovery.Add(ScanSegment(bytes, position, kTag));
    }
    return recovery;
  }
  Recovery RecoverAll() const {
    return Recover({{0, a_.bytes()}, {5000, b_.bytes()}, {9000, c_.bytes()}});
  }
  static std::vector<std::uint64_t> LastOf(const Recovery& recovery) {
    std::vector<std::uint64_t> last;
    for (const SegmentPart& part : recovery.segments()) last.push_back(part.last_sequence);
    return last;
  }

  SegmentBuilder a_{kTag, 0, 0};
  SegmentBuilder b_{kTag, 5000, 0};
  SegmentBuilder c_{kTag, 9000, 0};
};

TEST_F(RecoveryTest, KeepsAWholeLog) {
  const Recovery recovery = RecoverAll();
  EXPECT_THAT(recovery.damages(), IsEmpty());
  EXPECT_THAT(LastOf(recovery), ElementsAre(4, 6, 7));
  EXPECT_EQ(recovery.segments()[1].first_sequence, 5U);
  EXPECT_EQ(recovery.segments()[1].end, b_.end());
  EXPECT_EQ(recovery.end(), c_.end());
  EXPECT_EQ(recovery.last_sequence(), 7U);
  EXPECT_EQ(recovery.last()->head.position, c_.start(0));
}

TEST_F(RecoveryTest, KnowsNothingOfNothing) {
  const Recovery recovery = Recover({});
  EXPECT_EQ(recovery.end(), 0U);
  EXPECT_FALSE(recovery.last());
}

TEST_F(RecoveryTest, CutsWhatFollowsTheLastWholeGroup) {
  c_.Add(8, {"eight"}).Spoil(1);
  const Recovery recovery = RecoverAll();
  EXPECT_THAT(recovery.damages(), IsEmpty()) << "nobody was told of it";
  EXPECT_EQ(recovery.end(), c_.start(1));
  EXPECT_EQ(recovery.last_sequence(), 7U);
}

TEST_F(RecoveryTest, CountsAsDamagedWhatALaterGroupFollows) {
  a_.Spoil(1);
  const Recovery recovery = RecoverAll();
  EXPECT_THAT(recovery.damages(),
              ElementsAre(Damage{.from = a_.start(1), .to = a_.start(2), .after = 2, .before = 4}));
  EXPECT_THAT(LastOf(recovery), ElementsAre(4, 6, 7));
}

TEST_F(RecoveryTest, CountsNeighboursAsOneDamage) {
  a_.Spoil(1).Spoil(2);
  b_.Spoil(0);
  const Recovery recovery = RecoverAll();
  // B's head tells where A ended, its second group where its first did.
  EXPECT_THAT(recovery.damages(),
              ElementsAre(Damage{.from = a_.start(1), .to = a_.end(), .after = 2, .before = 6},
                          Damage{.from = a_.end(), .to = b_.start(1), .after = 2, .before = 6}));
  EXPECT_EQ(recovery.end(), c_.end());
}

TEST_F(RecoveryTest, NeedsNoHeadToKeepItsGroups) {
  a_.SpoilHead(), b_.SpoilHead(), c_.SpoilHead();
  const Recovery recovery = RecoverAll();
  EXPECT_THAT(recovery.damages(), IsEmpty());
  EXPECT_THAT(LastOf(recovery), ElementsAre(4, 6, 7));
}

TEST_F(RecoveryTest, SeesThatTheLastGroupOfASegmentIsGone) {
  a_.Spoil(2);
  EXPECT_THAT(RecoverAll().damages(),
              ElementsAre(Damage{.from = a_.start(2), .to = a_.end(), .after = 3, .before = 5}));
}

TEST_F(RecoveryTest, SeesThatASegmentIsMissing) {
  const Recovery recovery = Recover({{0, a_.bytes()}, {9000, c_.bytes()}});
  EXPECT_THAT(recovery.damages(),
              ElementsAre(Damage{.from = a_.end(), .to = b_.end(), .after = 4, .before = 7}));
}

TEST_F(RecoveryTest, MissesNothingBeforeItsFirstSegment) {
  EXPECT_THAT(Recover({{9000, c_.bytes()}}).damages(), IsEmpty());
  c_.SpoilHead();
  EXPECT_THAT(Recover({{9000, c_.bytes()}}).damages(), IsEmpty());
}

TEST_F(RecoveryTest, LeavesOutWhatALaterHeadDeclaresVoid) {
  // The sync of 6 failed; it went to the next segment, which says that B ends before it.
  c_ = SegmentBuilder(kTag, 9000, b_.start(1));
  c_.Add(6, {"six again"}).Add(7, {"seven"});
  for (const bool head : {true, false}) {
    if (!head) c_.SpoilHead();  // the first group's trailer says so, too
    const Recovery recovery = RecoverAll();
    EXPECT_THAT(recovery.damages(), IsEmpty());
    EXPECT_THAT(LastOf(recovery), ElementsAre(4, 5, 7));
    EXPECT_EQ(recovery.segments()[1].end, b_.start(1));
    EXPECT_EQ(recovery.last_sequence(), 7U);
  }
}

TEST_F(RecoveryTest, LeavesOutAVoidGroupThoughNothingTookItsPlace) {
  const SegmentBuilder next(kTag, 9000, a_.end());
  const Recovery recovery = Recover({{0, a_.bytes()}, {5000, b_.bytes()}, {9000, next.bytes()}});
  EXPECT_THAT(LastOf(recovery), ElementsAre(4, 0, 0));
  EXPECT_EQ(recovery.last_sequence(), 4U);
  EXPECT_EQ(recovery.end(), a_.end());
  EXPECT_THAT(recovery.damages(), IsEmpty());
}

TEST_F(RecoveryTest, DoesNotCountVoidBytesAsDamaged) {
  b_.Spoil(1);
  b_.Add(7, {"its sync failed, and so did the one before"});
  c_ = SegmentBuilder(kTag, 9000, b_.start(1));
  c_.Add(6, {"six again"});
  const Recovery recovery = RecoverAll();
  EXPECT_THAT(recovery.damages(), IsEmpty());
  EXPECT_THAT(LastOf(recovery), ElementsAre(4, 5, 6));
}

// === what the heads alone tell ===

// Four segments at 0, 5000, 9000 and 14000; each head names the end of the one before.
std::vector<SegmentGlance> Glances() {
  const auto glance = [](std::uint64_t position, std::uint64_t former_end, std::uint64_t first) {
    return SegmentGlance{.position = position,
                         .size = 4000,
                         .head = SegmentHead{.tag = kTag,
                                             .position = position,
                                             .capacity = 4000,
                                             .former_end = former_end,
                                             .checkpoint = 0,
                                             .first_sequence = first}};
  };
  return {glance(0, 0, 1), glance(5000, 3000, 5), glance(9000, 8000, 7), glance(14000, 12000, 9)};
}

TEST(BoundSegments, TellsWhatAHeadAndTheNextOneBound) {
  const std::vector<SegmentPart> parts = BoundSegments(Glances(), 8000);
  ASSERT_THAT(parts, SizeIs(4));
  EXPECT_EQ(parts[0].position, 0U);
  EXPECT_EQ(parts[0].end, 3000U);
  EXPECT_EQ(parts[0].first_sequence, 1U);
  EXPECT_EQ(parts[0].last_sequence, 4U);
  EXPECT_EQ(parts[1].end, 8000U);
  EXPECT_TRUE(parts[2].empty()) << "one of the last two";
  EXPECT_TRUE(parts[3].empty());
}

TEST(BoundSegments, LeavesOutWhatDoesNotFit) {
  using All = std::vector<SegmentGlance>;
  struct Case {
    const char* when;
    std::uint64_t checkpoint;
    void (*change)(All& glances);
    std::vector<bool> bounded;
  };
  const Case cases[] = {
      {"all is whole", 8000, [](All&) {}, {true, true, false, false}},
      {"the checkpoint covers one less", 7992, [](All&) {}, {true, false, false, false}},
      {"there is no checkpoint", 0, [](All&) {}, {false, false, false, false}},
      {"a head is damaged",
       8000,
       [](All& all) { all[1].head.reset(); },
       {false, false, false, false}},
      {"the first head is damaged",
       8000,
       [](All& all) { all[0].head.reset(); },
       {false, true, false, false}},
      {"a file is shorter than the next head says",
       8000,
       [](All& all) { all[0].size = 2992; },
       {false, true, false, false}},
      {"a segment is missing",
       8000,
       [](All& all) { all.erase(all.begin() + 1); },
       {false, false, false}},
      {"a segment holds nothing",
       8000,
       [](All& all) { all[2].head->former_end = 5512; },
       {true, false, false, false}},
      {"a later head names a lower end",
       8000,
       [](All& all) { all[3].head->former_end = 2000; },
       {false, false, false, false}},
      {"sequences do not rise",
       8000,
       [](All& all) { all[1].head->first_sequence = 1; },
       {false, true, false, false}},
      {"there are but two", 8000, [](All& all) { all.resize(2); }, {false, false}},
      {"there is none", 8000, [](All& all) { all.clear(); }, {}},
  };
  for (const Case& one : cases) {
    All glances = Glances();
    one.change(glances);
    std::vector<bool> bounded;
    for (const SegmentPart& part : BoundSegments(glances, one.checkpoint)) {
      bounded.push_back(!part.empty());
    }
    EXPECT_EQ(bounded, one.bounded) << one.when;
  }
}

TEST_F(RecoveryTest, TakesASegmentUnreadAsItsBoundsSay) {
  const SegmentPart a{.position = 0, .end = a_.end(), .first_sequence = 1, .last_sequence = 4};
  Recovery recovery;
  recovery.AddUnread(a, 0);
  EXPECT_FALSE(recovery.fits()) << "no group is known, and so no age";
  recovery.Add(ScanSegment(b_.bytes(), 5000, kTag));
  recovery.Add(ScanSegment(c_.bytes(), 9000, kTag));
  EXPECT_TRUE(recovery.fits());
  EXPECT_THAT(recovery.damages(), IsEmpty());
  EXPECT_THAT(LastOf(recovery), ElementsAre(4, 6, 7));
}

TEST_F(RecoveryTest, BoundsADamageByTheUnreadSegmentsAroundIt) {
  b_.Spoil(0).Spoil(1);
  Recovery recovery;
  recovery.AddUnread({.position = 0, .end = a_.end(), .first_sequence = 1, .last_sequence = 4}, 0);
  recovery.Add(ScanSegment(b_.bytes(), 5000, kTag));
  recovery.AddUnread({.position = 9000, .end = c_.end(), .first_sequence = 7, .last_sequence = 9},
                     b_.end());
  EXPECT_THAT(recovery.damages(),
              ElementsAre(Damage{.from = a_.end(), .to = b_.end(), .after = 4, .before = 7}));
}

TEST_F(RecoveryTest, DoesNotFitWhereSomethingUnreadIsVoid) {
  Recovery recovery;
  recovery.AddUnread({.position = 0, .end = a_.end(), .first_sequence = 1, .last_sequence = 4}, 0);
  SegmentBuilder next(kTag, 5000, a_.start(2));
  next.Add(4, {"four again"});
  recovery.Add(ScanSegment(next.bytes(), 5000, kTag));
  EXPECT_FALSE(recovery.fits());
}

TEST_F(RecoveryTest, KnowsTheLastGroupBelowSegmentsWithoutAny) {
  const SegmentBuilder d(kTag, 13000, c_.end());
  const SegmentBuilder e(kTag, 17000, c_.end());
  const SegmentBuilder f(kTag, 21000, c_.end());
  const Recovery recovery =
      Recover({{9000, c_.bytes()}, {13000, d.bytes()}, {17000, e.bytes()}, {21000, f.bytes()}});
  ASSERT_TRUE(recovery.last());
  EXPECT_EQ(recovery.last()->head.position, c_.start(0));
}

TEST_F(RecoveryTest, TakesNoGroupOfAnotherPlaceOrLog) {
  const std::string body = a_.bytes();  // a record may hold a whole segment
  a_.Add(8, {body, std::string(a_.bytes().substr(kSegmentHeadSize))});
  a_.Spoil(3);
  const SegmentScan scan = ScanSegment(a_.bytes(), 0, kTag);
  EXPECT_THAT(scan.groups, SizeIs(3)) << "what a record holds is no group";
  EXPECT_THAT(ScanSegment(a_.bytes(), 8, kTag).groups, IsEmpty());
  EXPECT_THAT(ScanSegment(a_.bytes(), 0, Tag{9}).groups, IsEmpty());
  EXPECT_FALSE(ScanSegment(a_.bytes(), 0, Tag{9}).head);
}

TEST_F(RecoveryTest, FindsGroupsBehindAnyNumberOfDamagedBytes) {
  for (std::size_t damaged = 0; damaged < a_.start(1); ++damaged) {
    std::string bytes = a_.bytes();
    std::fill_n(bytes.begin(), damaged, static_cast<char>(0x5a));
    const SegmentScan scan = ScanSegment(bytes, 0, kTag);
    EXPECT_THAT(scan.groups, SizeIs(damaged <= kSegmentHeadSize ? 3 : 2)) << damaged;
  }
}

// === a segment of which nothing can be read ===

TEST_F(RecoveryTest, TakesAnUnreadableSegmentForDamagedAsFarAsItsNeighboursTell) {
  Recovery recovery;
  recovery.Add(ScanSegment(a_.bytes(), 0, kTag));
  recovery.AddUnreadable(5000, 9000);
  recovery.Add(ScanSegment(c_.bytes(), 9000, kTag));
  EXPECT_THAT(recovery.damages(),
              ElementsAre(Damage{.from = a_.end(), .to = b_.end(), .after = 4, .before = 7}));
  EXPECT_EQ(recovery.end(), c_.end());
  EXPECT_THAT(LastOf(recovery), ElementsAre(4, 0, 7));
}

TEST_F(RecoveryTest, EndsALogBehindItsUnreadableLastSegment) {
  Recovery recovery;
  recovery.Add(ScanSegment(a_.bytes(), 0, kTag));
  recovery.AddUnreadable(5000, 7000);
  EXPECT_THAT(recovery.damages(),
              ElementsAre(Damage{.from = a_.end(), .to = 7000, .after = 4, .before = 0}));
  EXPECT_EQ(recovery.end(), 7000U) << "as the next head says, so that it is found again";
  EXPECT_EQ(recovery.last_sequence(), 4U);
}

TEST_F(RecoveryTest, CountsNoUnreadableSegmentThatALaterHeadVoids) {
  SegmentBuilder c(kTag, 9000, a_.end());
  c.Add(5, {"five again"});
  Recovery recovery;
  recovery.Add(ScanSegment(a_.bytes(), 0, kTag));
  recovery.AddUnreadable(5000, 9000);
  recovery.Add(ScanSegment(c.bytes(), 9000, kTag));
  EXPECT_THAT(recovery.damages(), IsEmpty());
}

TEST_F(RecoveryTest, BoundsUnreadableSegmentsThatAreNeighboursOrTheFirst) {
  Recovery recovery;
  recovery.AddUnreadable(0, 5000);
  recovery.AddUnreadable(5000, 9000);
  recovery.Add(ScanSegment(c_.bytes(), 9000, kTag));
  EXPECT_THAT(recovery.damages(),
              ElementsAre(Damage{.from = 0, .to = 5000, .after = 0, .before = 7},
                          Damage{.from = 5000, .to = b_.end(), .after = 0, .before = 7}));
}

}  // namespace
}  // namespace postern::queue
