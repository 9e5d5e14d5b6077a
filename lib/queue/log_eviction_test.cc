// What makes room in a log that is full: the lowest segment that anybody needs, from every reader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/queue/testing/log_fixture.h"

namespace postern::queue {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

// Segments of three records each; record i has 400 + i bytes.
class LogEviction : public LogFixture {
 protected:
  void SetUp() override { Open(); }
  void Fill(std::size_t segments) {
    while (log_->segments() < segments) {
      Commit({std::string(400 + sequences_.size(), 'x')});
      sequences_.push_back(log_->synced_through());
    }
    ASSERT_THAT(log_->AddCursor("a"), IsOk());
  }
  std::vector<Evicted> Evict() {
    auto evicted = log_->EvictOldest();
    EXPECT_THAT(evicted, IsOk());
    return evicted.value_or(std::vector<Evicted>());
  }
  std::uint64_t Floor(const std::string& name) { return log_->cursors().Find(name)->floor; }
  std::vector<LedgerEntry> Entries() {
    const auto file = (*disk_.OpenFolder("queue"))->Open("ledger");
    CHECK(file, "the ledger is there");
    std::string bytes(*(*file)->Size(), '\0');
    CHECK(fs::ReadExactly(**file, 0, bytes), "it can be read");
    return ParseLedger(bytes);
  }

  std::vector<std::uint64_t> sequences_;
};

TEST_F(LogEviction, TakesTheLowestSegmentFromEveryReader) {
  Fill(4);
  const std::uint64_t first = sequences_[0];
  ASSERT_THAT(log_->AddCursor("b"), IsOk());
  ASSERT_THAT(log_->MarkDone("b", 0, first), IsOk());
  EXPECT_THAT(
      Evict(),
      ElementsAre(
          Evicted{
              .name = "a", .after = first - 1, .through = first + 2, .records = 3, .bytes = 1203},
          Evicted{.name = "b", .after = first, .through = first + 2, .records = 2, .bytes = 803}));
  EXPECT_EQ(Floor("a"), first + 2);
  EXPECT_EQ(Floor("b"), first + 2);
  EXPECT_THAT(Evict(), SizeIs(2)) << "the next one";
  EXPECT_EQ(Floor("a"), first + 5);
  log_->Commit();
  const auto entries = Entries();
  ASSERT_THAT(entries, SizeIs(2)) << "both segments of each reader";
  EXPECT_EQ(entries[0].reason, Reason::kEvicted);
  EXPECT_EQ(entries[0].records + entries[1].records, 11U);
}

TEST_F(LogEviction, CountsNothingThatIsDone) {
  Fill(4);
  const std::uint64_t first = sequences_[0];
  ASSERT_THAT(log_->AddCursor("ahead"), IsOk());
  ASSERT_THAT(log_->MarkDone("ahead", 0, first + 2), IsOk());
  ASSERT_THAT(log_->MarkDone("a", first, first + 1), IsOk());
  EXPECT_THAT(
      Evict(),
      ElementsAre(Evicted{
          .name = "a", .after = first - 1, .through = first + 2, .records = 2, .bytes = 802}));
  ASSERT_THAT(log_->MarkDone("a", first + 4, first + 9), IsOk());
  EXPECT_THAT(Evict(), ElementsAre(testing::_, testing::Field(&Evicted::records, 3)));
  EXPECT_EQ(Floor("a"), first + 9) << "the range above it was reached";
}

TEST_F(LogEviction, PassesOverASegmentOfWhichAllIsDone) {
  Fill(2);
  const std::uint64_t last = log_->synced_through();
  Open();  // numbers go on higher: a range cannot touch across that
  Fill(5);
  const std::uint64_t first = (std::uint64_t{2} << kSequenceBits) + 1;
  ASSERT_THAT(log_->MarkDone("a", 0, last), IsOk());
  ASSERT_THAT(log_->MarkDone("a", first - 1, first + 2), IsOk());
  const auto evicted = Evict();
  ASSERT_THAT(evicted, SizeIs(1));
  EXPECT_EQ(evicted.front().after, first + 2);
  EXPECT_EQ(evicted.front().records, 3U);
  log_->Commit();
  EXPECT_THAT(Entries(), SizeIs(1));
}

TEST_F(LogEviction, NeverTakesTheSegmentThatIsWrittenTo) {
  Fill(3);
  EXPECT_THAT(Evict(), SizeIs(1));
  EXPECT_THAT(Evict(), SizeIs(1));
  EXPECT_THAT(Evict(), IsEmpty());
  EXPECT_LT(Floor("a"), log_->synced_through());
  Open();
  EXPECT_THAT(Evict(), IsEmpty()) << "nor the newest, which stays in any case";
}

TEST_F(LogEviction, TakesNothingWhereNobodyReads) {
  Fill(3);
  ASSERT_THAT(log_->RemoveCursor("a"), IsOk());
  EXPECT_THAT(Evict(), IsEmpty());
}

TEST_F(LogEviction, TakesNothingWhileTheDeviceFails) {
  Fill(3);
  for (std::uint64_t at = 0; at < options_.segment_bytes; at += fs::FaultyStorage::kSector) {
    disk_.SpoilSector("queue", FilesOf(FileKind::kSegment).front(), at);
  }
  const std::uint64_t before = Floor("a");
  EXPECT_THAT(log_->EvictOldest(), HasCode(Code::kUnavailable));
  EXPECT_EQ(Floor("a"), before);
}

TEST_F(LogEviction, CountsWhatItCanReadAndLeavesTheDamageToBeTold) {
  Fill(3);
  disk_.SpoilSector("queue", FilesOf(FileKind::kSegment).front(), 1024);
  const std::uint64_t first = sequences_[0];
  const auto evicted = Evict();
  ASSERT_THAT(evicted, SizeIs(1));
  EXPECT_EQ(evicted.front().through, first + 2);
  EXPECT_EQ(evicted.front().records, 1U) << "two have bytes in that sector";
  LogReader reader(*log_);
  ASSERT_THAT(reader.Read(Floor("a")), IsOk());
  const std::vector<Damage> told = reader.TakeDamages();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told.front().after, first);
  EXPECT_EQ(told.front().before, first + 3);
}

TEST_F(LogEviction, TakesFromAllReadersOrFromNoneWhereTheLedgerIsFull) {
  Fill(3);
  ASSERT_THAT(log_->AddCursor("b"), IsOk());
  for (std::uint64_t i = 0; i + 1 < Ledger::kMostWaiting; ++i) {
    ASSERT_THAT(log_->Note(Reason::kResent, "west", 3 * i, 3 * i + 1, 1, 1), IsOk());
  }
  EXPECT_THAT(Evict(), SizeIs(2)) << "a few more than the bound";
  ASSERT_THAT(log_->AddCursor("c"), IsOk());
  const std::uint64_t before = Floor("a");
  EXPECT_THAT(log_->EvictOldest(), HasCode(Code::kExhausted));
  EXPECT_EQ(Floor("a"), before);
  log_->Commit();
  EXPECT_THAT(Evict(), SizeIs(1));
}

TEST_F(LogEviction, MakesRoomOnceTheSegmentIsGone) {
  Fill(1);
  base::Result<std::uint64_t> last = 0;
  const auto append = [&] { return log_->Append(Own(std::string(700, 'x'))); };
  while ((last = append())) ASSERT_THAT(log_->Commit().records, IsOk());
  EXPECT_THAT(Evict(), SizeIs(1));
  EXPECT_THAT(append(), HasCode(Code::kExhausted)) << "not yet on the disk";
  const std::size_t segments = log_->segments();
  for (int works = 0; works < 3 && log_->segments() == segments; ++works) log_->Commit();
  EXPECT_THAT(append(), IsOk()) << "and no time had to pass";
  EXPECT_EQ(log_->Commit().through, log_->last_sequence());
  disk_.PowerOn(fs::Unsynced::kLost);
  Open();
  EXPECT_EQ(ReadAll(Floor("a")).size(), ReadAll().size());
  EXPECT_THAT(Entries(), ElementsAre(testing::Field(&LedgerEntry::records, 2)));
}

}  // namespace
}  // namespace postern::queue
