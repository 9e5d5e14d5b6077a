#include "lib/queue/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/queue/testing/log_fixture.h"

namespace postern::queue {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;
using fs::FaultyStorage;
using fs::Unsynced;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;

class LogTest : public LogFixture {
 protected:
  void SetUp() override { Open(); }
  std::uint64_t Append(Entry entry) {
    const auto sequence = log_->Append(std::move(entry));
    CHECK(sequence, "the record is taken");
    return *sequence;
  }
  void CutPower() {
    disk_.PowerOn(Unsynced::kLost);
    Open();
  }
};

// === append, commit, read ===

TEST_F(LogTest, ShowsARecordOnceItIsCommitted) {
  const std::uint64_t sequence = Append(Own("one"));
  EXPECT_THAT(Texts(), IsEmpty()) << "appended is not kept";
  const Applied applied = log_->Commit();
  EXPECT_THAT(applied.records, IsOk());
  EXPECT_EQ(applied.through, sequence);
  EXPECT_EQ(log_->synced_through(), sequence);
  EXPECT_THAT(Texts(), ElementsAre("one"));
}

TEST_F(LogTest, KeepsWhatWasCommittedOverAPowerCutAndNoMore) {
  Commit({"one", "two"});
  Append(Own("three"));
  CutPower();
  EXPECT_THAT(Texts(), ElementsAre("one", "two"));
  Commit({"four"});
  CutPower();
  EXPECT_THAT(Texts(), ElementsAre("one", "two", "four"));
}

TEST_F(LogTest, NumbersRecordsInOrderOverRestarts) {
  const std::uint64_t first = Append(Own("a"));
  EXPECT_EQ(first, (std::uint64_t{1} << kSequenceBits) + 1);
  EXPECT_EQ(Append(Own("b")), first + 1);
  EXPECT_EQ(log_->last_sequence(), first + 1);
  log_->Commit();
  for (std::uint64_t open = 2; open < 5; ++open) {
    CutPower();
    EXPECT_EQ(Append(Own("c")), (open << kSequenceBits) + 1);
  }
}

TEST_F(LogTest, KeepsItsIdentityAndTellsANewFolder) {
  EXPECT_TRUE(log_->report().new_store);
  const StoreId store = log_->store();
  EXPECT_NE(store, StoreId{});
  CutPower();
  EXPECT_FALSE(log_->report().new_store);
  EXPECT_EQ(log_->store(), store);
}

TEST_F(LogTest, TakesANewStoreIdAndKeepsItsRecords) {
  Commit({"one"});
  const StoreId before = log_->store();
  const std::uint64_t last = log_->last_sequence();
  ASSERT_THAT(log_->TakeNewStore(), IsOk());
  const StoreId after = log_->store();
  EXPECT_NE(after, before);
  CutPower();
  EXPECT_EQ(log_->store(), after);
  EXPECT_FALSE(log_->report().new_store);
  EXPECT_THAT(Texts(), ElementsAre("one"));
  EXPECT_GT(log_->last_sequence(), last);
}

TEST_F(LogTest, WritesHeadsBodiesAndHopsAsTheyCame) {
  Entry entry = From(kEast, 12, "body");
  entry.head = "head ";
  Append(std::move(entry));
  Append({.hop = std::nullopt, .head = {}, .body = {}});
  log_->Commit();
  const auto all = ReadAll();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].body.view(), "head body");
  EXPECT_EQ(all[0].hop, (Hop{.sender = kEast, .sequence = 12, .crc = 7}));
  EXPECT_TRUE(all[1].body.empty());
  EXPECT_EQ(all[1].hop, std::nullopt);
}

TEST_F(LogTest, HasOneWorkOutAtATime) {
  EXPECT_EQ(log_->Collect(), std::nullopt) << "there is nothing to do";
  Append(Own("one"));
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work);
  Append(Own("two"));
  EXPECT_FALSE(log_->Collect());
  log_->Apply(log_->writer().Do(*std::move(work)));
  EXPECT_THAT(Texts(), ElementsAre("one"));
  log_->Commit();
  EXPECT_THAT(Texts(), ElementsAre("one", "two"));
}

TEST_F(LogTest, IsOpenOnce) {
  EXPECT_THAT(Log::Open(disk_, options_, clock_), HasCode(Code::kConflict));
}

TEST_F(LogTest, GoesOnInTheNextSegmentAndTakesRecordsLongerThanOne) {
  std::vector<std::string> texts;
  for (int i = 0; i < 20; ++i) texts.emplace_back(300, static_cast<char>('a' + i));
  texts.emplace_back(9000, 'x');
  Commit(texts);
  EXPECT_GT(FilesOf(FileKind::kSegment).size(), 3U);
  EXPECT_EQ(Texts(), texts);
  CutPower();
  EXPECT_EQ(Texts(), texts);
}

TEST_F(LogTest, ReadsFromAnySequence) {
  Commit({"one", "two"});
  Append(Own("three")), Append(Own("four"));
  log_->Commit();
  const auto all = ReadAll();
  ASSERT_THAT(all, SizeIs(4));
  LogReader reader(*log_);
  for (const std::size_t from : {3U, 0U, 2U, 1U, 1U}) {
    const auto entries = reader.Read(all[from].sequence - 1);
    ASSERT_THAT(entries, IsOk());
    EXPECT_EQ(entries->front(), all[from]);
  }
  EXPECT_THAT(*reader.Read(all[3].sequence), IsEmpty());
  EXPECT_THAT(reader.TakeDamages(), testing::IsEmpty());
}

// === marks ===

TEST_F(LogTest, RemembersTheMarksOfItsSenders) {
  Append(From(kEast, 5, "e5"));
  EXPECT_THAT(log_->Append(From(kEast, 5, "again")), HasCode(Code::kConflict));
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 0U) << "appended is not synced";
  Append(From(kWest, 3, "w3")), Append(From(kEast, 9, "e9"));
  log_->Commit();
  for (int restarts = 0; restarts < 2; ++restarts) {
    EXPECT_EQ(log_->SyncedMark(kEast).sequence, 9U);
    EXPECT_EQ(log_->SyncedMark(kEast).crc, 7U);
    EXPECT_EQ(log_->SyncedMark(kWest).sequence, 3U);
    EXPECT_TRUE(log_->IsRepeat({.sender = kEast, .sequence = 9}));
    EXPECT_FALSE(log_->IsRepeat({.sender = kEast, .sequence = 10}));
    CutPower();
  }
}

TEST_F(LogTest, TellsAStoreApartFromAnotherOfTheSameMember) {
  Append(From(kEast, 5, "e5"));
  log_->Commit();
  const Sender replaced{.member = kEast.member, .store = {9}};
  EXPECT_EQ(log_->SyncedMark(replaced).sequence, 0U);
  EXPECT_THAT(log_->Append(From(replaced, 1, "new disk")), IsOk());
}

// === cursors and removal ===

TEST_F(LogTest, RemovesSegmentsThatEveryCursorIsAbove) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  ASSERT_THAT(log_->AddCursor("b"), IsOk());
  Append(From(kEast, 5, "e5"));
  for (int i = 0; i < 20; ++i) Commit({std::string(500, 'x')});
  const std::size_t before = log_->segments();
  const std::uint64_t last = log_->synced_through();
  ASSERT_THAT(log_->MarkDone("a", 0, last), IsOk());
  clock_.Advance(2s);
  for (int i = 0; i < 3; ++i) log_->Commit();
  EXPECT_EQ(log_->segments(), before) << "b needs them";
  ASSERT_THAT(log_->MarkDone("b", 0, last), IsOk());
  clock_.Advance(2s);
  for (int i = 0; i < 3; ++i) log_->Commit();
  EXPECT_EQ(log_->segments(), 1U);
  EXPECT_THAT(FilesOf(FileKind::kSegment), SizeIs(1));
  EXPECT_THAT(FilesOf(FileKind::kCheckpoint), SizeIs(2)) << "the newest, and one for the case";
  CutPower();
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 5U) << "from the checkpoint: its record is gone";
  EXPECT_THAT(log_->report().damages, IsEmpty());
  EXPECT_EQ(log_->cursors().floor(), last);
}

TEST_F(LogTest, LeavesNoHoleWhenThePowerGoesWhileSegmentsDo) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    disk_ = fs::FaultyStorage();
    for (int openings = 0; openings < 4; ++openings) {
      Open();
      ASSERT_THAT(log_->AddCursor("a"), IsOk());
      for (int i = 0; i < 3; ++i) Commit({std::string(500, 'x')});
    }
    ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
    clock_.Advance(2s);
    log_->Commit();  // cursors
    log_->Commit();  // checkpoint
    std::optional<Work> work = log_->Collect();
    ASSERT_TRUE(work);
    ASSERT_GT(work->remove.size(), 2U);
    disk_.CutPowerAt(5);
    log_->Apply(log_->writer().Do(*std::move(work)));
    disk_.PowerOn(Unsynced::kTorn, seed);
    Open();
    EXPECT_THAT(log_->report().damages, IsEmpty()) << "seed " << seed;
  }
}

TEST_F(LogTest, RemovesNothingWhileNoCursorSaysSo) {
  for (int i = 0; i < 10; ++i) Commit({std::string(500, 'x')});
  clock_.Advance(2s);
  EXPECT_EQ(log_->Collect(), std::nullopt);
  EXPECT_GT(log_->segments(), 2U);
}

TEST_F(LogTest, WritesCursorsAtOnceAndSyncsThemAfterASecond) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  Commit({"one"});
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  EXPECT_EQ(log_->Collect(), std::nullopt) << "nothing to sync yet";
  const std::optional<CursorsWork> cursors = log_->CollectCursors();
  ASSERT_TRUE(cursors);
  log_->ApplyCursors(*cursors, log_->writer().Write(*cursors));
  EXPECT_EQ(log_->CollectCursors(), std::nullopt);
  EXPECT_EQ(log_->Collect(), std::nullopt);
  clock_.Advance(1s);
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work);
  EXPECT_TRUE(work->sync_cursors);
  EXPECT_FALSE(work->cursors) << "they are written";
  log_->Apply(log_->writer().Do(*std::move(work)));
  EXPECT_EQ(log_->Collect(), std::nullopt);
  const std::uint64_t floor = log_->cursors().floor();
  CutPower();
  EXPECT_EQ(log_->cursors().Find("a")->floor, floor);
}

TEST_F(LogTest, WritesCursorsWhileASyncIsOut) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  Commit({"one"});
  ASSERT_TRUE(log_->Append(Own("two")));
  std::optional<Work> work = log_->Collect();  // and never comes back
  ASSERT_TRUE(work);
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  const std::optional<CursorsWork> cursors = log_->CollectCursors();
  ASSERT_TRUE(cursors);
  log_->ApplyCursors(*cursors, log_->writer().Write(*cursors));
  const std::uint64_t floor = log_->cursors().floor();
  disk_.KillProcess();
  Open();
  EXPECT_EQ(log_->cursors().Find("a")->floor, floor);
}

TEST_F(LogTest, WritesNoCursorBeforeTheLedgerSaysWhy) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  Commit({"one"});
  ASSERT_THAT(log_->Drop("a", 0, log_->synced_through(), Reason::kExpired, 1, 3), IsOk());
  EXPECT_EQ(log_->CollectCursors(), std::nullopt) << "it waits for its turn";
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work);
  EXPECT_TRUE(work->cursors) << "behind the ledger, in the same Work";
  ASSERT_THAT(log_->AddCursor("b"), IsOk());
  EXPECT_EQ(log_->CollectCursors(), std::nullopt) << "it is on its way";
  log_->Apply(log_->writer().Do(*std::move(work)));
  EXPECT_TRUE(log_->CollectCursors());
}

TEST_F(LogTest, LetsNoOlderCursorsTakeTheNewerOnesPlace) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  Commit({"one", "two"});
  const std::uint64_t last = log_->synced_through();
  ASSERT_THAT(log_->MarkDone("a", 0, last - 1), IsOk());
  clock_.Advance(1s);
  std::optional<Work> work = log_->Collect();  // with cursors, and slow
  ASSERT_TRUE(work && work->cursors);
  ASSERT_THAT(log_->MarkDone("a", last - 1, last), IsOk());
  const std::optional<CursorsWork> cursors = log_->CollectCursors();
  ASSERT_TRUE(cursors);
  log_->ApplyCursors(*cursors, log_->writer().Write(*cursors));
  log_->Apply(log_->writer().Do(*std::move(work)));
  disk_.KillProcess();
  Open();
  EXPECT_EQ(log_->cursors().Find("a")->floor, last);
}

TEST_F(LogTest, TakesCursorsForSyncedOnlyWhereASyncHadThem) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  for (int i = 0; i < 20; ++i) Commit({std::string(500, 'x')});
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  disk_.FailSyncs(1, "cursors");
  clock_.Advance(1s);
  EXPECT_THAT(log_->Commit().cursors, Not(IsOk()));
  const std::size_t before = log_->segments();
  clock_.Advance(1s);
  log_->Commit();
  disk_.PowerOn(Unsynced::kLost);
  Open();
  EXPECT_EQ(log_->cursors().Find("a")->floor, log_->synced_through());
  EXPECT_EQ(log_->segments(), before);
}

TEST_F(LogTest, KeepsAWrittenCursorWhenOnlyTheProcessDies) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  Commit({"one"});
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  log_->Commit();
  const std::uint64_t floor = log_->cursors().floor();
  disk_.KillProcess();
  Open();
  EXPECT_EQ(log_->cursors().Find("a")->floor, floor);
}

TEST_F(LogTest, GivesANewCursorEverythingThatIsThere) {
  Commit({"one", "two"});
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  EXPECT_THAT(Texts(log_->cursors().Find("a")->floor), ElementsAre("one", "two"));
}

// === what is refused ===

TEST_F(LogTest, IsNeverFullOfWhatIsDone) {
  options_.max_bytes = 2 * options_.segment_bytes;
  Open();
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  for (int i = 0; i < 20; ++i) {
    const auto sequence = log_->Append(Own(std::string(1200, 'x')));
    ASSERT_THAT(sequence, IsOk()) << i;
    ASSERT_THAT(log_->Commit().records, IsOk());
    ASSERT_THAT(log_->MarkDone("a", log_->cursors().Find("a")->floor, *sequence), IsOk());
    clock_.Advance(std::chrono::seconds(1));
    ASSERT_THAT(log_->Commit().cursors, IsOk());
  }
}

TEST_F(LogTest, RefusesWhatIsAboveItsBytesUntilThereIsRoom) {
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  base::Result<std::uint64_t> last = 0;
  while (last) {
    last = log_->Append(Own(std::string(700, 'x')));
    ASSERT_THAT(log_->Commit().records, IsOk());
  }
  EXPECT_THAT(last, HasCode(Code::kExhausted));
  EXPECT_THAT(last, FailsWith("queue"));
  EXPECT_LE(log_->bytes(), options_.max_bytes);
  std::uint64_t on_disk = 0;
  const auto folder = *disk_.OpenFolder("queue");
  for (const std::string& name : FilesOf(FileKind::kSegment)) {
    on_disk += *(*folder->Open(name))->Size();
  }
  EXPECT_LE(on_disk, options_.max_bytes);
  EXPECT_GT(on_disk, options_.max_bytes * 3 / 4);
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  clock_.Advance(2s);
  for (int i = 0; i < 3; ++i) log_->Commit();
  EXPECT_THAT(log_->Append(Own(std::string(700, 'x'))), IsOk());
}

TEST_F(LogTest, TellsHowManyBytesAreNeededAndFree) {
  options_.segment_bytes = 8192;
  options_.max_bytes = 16 * options_.segment_bytes;
  log_.reset();
  ASSERT_THAT(TryOpen(), IsOk());
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  const std::uint64_t empty = log_->FreeBytes();
  EXPECT_EQ(log_->NeededBytes(), 0U);
  const std::string body(700, 'x');
  Append(Own(body));
  EXPECT_GE(log_->NeededBytes(), 700U) << "what waits for a sync is needed";
  EXPECT_LE(log_->NeededBytes(), 1000U);
  EXPECT_LE(log_->FreeBytes(), empty - 700);
  log_->Commit();
  constexpr std::uint64_t kRecords = 40;  // over several segments
  for (std::uint64_t i = 1; i < kRecords; ++i) Commit({body});
  EXPECT_GT(log_->segments(), 3U);
  const std::uint64_t first = log_->synced_through() - kRecords + 1;
  for (std::uint64_t done = 0; done < kRecords; ++done) {
    const std::uint64_t needed = log_->NeededBytes();
    EXPECT_GE(needed, (kRecords - done) * 700) << done;
    EXPECT_LE(needed, (kRecords - done) * 1100 + 1024) << done;
    ASSERT_THAT(log_->MarkDone("a", 0, first + done), IsOk());
  }
  EXPECT_EQ(log_->NeededBytes(), 0U);
}

TEST_F(LogTest, NeedsRoomForTwoSegments) {
  log_.reset();
  options_.max_bytes = 2 * options_.segment_bytes - 1;
  EXPECT_THAT(TryOpen(), HasCode(Code::kInvalid));
  options_.max_bytes = 2 * options_.segment_bytes;
  EXPECT_THAT(TryOpen(), IsOk());
}

TEST_F(LogTest, RefusesWhatNeverFits) {
  EXPECT_THAT(log_->Append(Own(std::string(64 * 1024, 'x'))), HasCode(Code::kInvalid));
  EXPECT_THAT(log_->Append(From({.member = std::string(254, 'm')}, 1, "")),
              HasCode(Code::kInvalid));
}

TEST_F(LogTest, KnowsHowMuchStandsAboveARecordAlsoAfterAnOpening) {
  Open();
  Commit({std::string(100, 'a'), std::string(1000, 'b'), std::string(1000, 'c')});
  const std::uint64_t first = log_->synced_through() - 2;
  EXPECT_EQ(log_->milestones().BytesAbove(first + 2), 0U);
  EXPECT_GE(log_->milestones().BytesAbove(first + 1), 1000U);
  EXPECT_GE(log_->milestones().BytesAbove(first), 2000U);
  EXPECT_EQ(log_->milestones().SequenceBehind(2000), first);
  EXPECT_EQ(log_->milestones().SequenceBehind(5000), 0U);
  Open();
  Commit({std::string(1000, 'd')});
  EXPECT_GE(log_->milestones().BytesAbove(first + 2), 1000U);
  EXPECT_LE(log_->milestones().BytesAbove(first + 2), 1700U) << "not the room that is not used";
  EXPECT_GE(log_->milestones().SequenceBehind(900), first + 2);
  EXPECT_LT(log_->milestones().SequenceBehind(900), log_->synced_through());
}

}  // namespace
}  // namespace postern::queue
