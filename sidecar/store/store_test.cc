#include "sidecar/store/store.h"

#include <gmock/gmock.h>

#include <cmath>

#include "lib/base/testing/matchers.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::store {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
  std::vector<std::string> Segments() {
    auto names = (*disk_.OpenFolder("queue"))->List();
    std::erase_if(*names, [](const std::string& name) { return !name.ends_with(".log"); });
    return *names;
  }
};

TEST_F(StoreTest, AnswersAfterTheSyncAndNotBefore) {
  ASSERT_THAT(Append("one"), IsOk());
  loop_.RunUntilIdle();
  EXPECT_EQ(worker_.waiting(), 1U);
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(budget_.used(), 3U);
  worker_.RunOne();
  EXPECT_THAT(answers_, ElementsAre(IsOk()));
  EXPECT_EQ(metrics_.appended.value(), 1);
}

TEST_F(StoreTest, SyncsTogetherWhatCameMeanwhile) {
  ASSERT_THAT(Append("one"), IsOk());
  loop_.RunUntilIdle();
  for (const char* body : {"two", "three", "four"}) ASSERT_THAT(Append(body), IsOk());
  loop_.RunUntilIdle();
  EXPECT_EQ(worker_.waiting(), 1U) << "one sync at a time";
  worker_.RunOne();
  EXPECT_EQ(answers_.size(), 1U);
  worker_.RunOne();
  EXPECT_EQ(answers_.size(), 4U);
}

TEST_F(StoreTest, SetsTheOriginOfItsOwnRecordsAndKeepsThatOfAChilds) {
  const auto uplink = MakeReader();
  Commit({"own"});
  hop_ = queue::Hop{.sender = {.member = "agent.example", .store = {7}}, .sequence = 3, .crc = 9};
  Commit({"child's"});
  const record::Origin own = uplink->Peek()->record->origin;
  EXPECT_EQ(own, (record::Origin{"gw1.example", store_->id(), uplink->Peek()->sequence}));
  uplink->Next();
  EXPECT_EQ(uplink->Peek()->record->origin, record::Origin{});
  EXPECT_EQ(store_->SyncedMark(hop_->sender).sequence, 3U);
  EXPECT_THAT(Append("again"), HasCode(Code::kConflict));
}

TEST_F(StoreTest, KeepsRecordsOverARestart) {
  MakeReader();
  Commit({"one", "two"});
  Open();
  EXPECT_THAT(Read(*MakeReader()), ElementsAre("one", "two"));
}

TEST_F(StoreTest, SyncsWhatIsPendingWhenItEnds) {
  MakeReader();
  ASSERT_THAT(Append("one"), IsOk());
  loop_.RunUntilIdle();  // out, not synced
  ASSERT_THAT(Append("two"), IsOk());
  Open();
  EXPECT_THAT(Read(*MakeReader()), ElementsAre("one", "two"));
}

TEST_F(StoreTest, RefusesWhatTheDiskDidNotTakeAndTriesAgainInFiveSeconds) {
  const auto uplink = MakeReader();
  Commit({"one"});
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  answers_.clear();
  ASSERT_THAT(Append("lost"), IsOk());
  loop_.RunUntilIdle();
  ASSERT_THAT(Append("lost with it"), IsOk());
  Sync();
  EXPECT_THAT(answers_, ElementsAre(HasCode(Code::kUnavailable), HasCode(Code::kUnavailable)));
  EXPECT_TRUE(store_->failed());
  EXPECT_THAT(Append("too soon"), HasCode(Code::kUnavailable));
  EXPECT_EQ(metrics_.refused.value(), 2);
  EXPECT_GE(metrics_.sync_errors.value(), 1);
  EXPECT_EQ(log_.Count("the queue's disk failed"), 1U);

  disk_.FailSyncs(0);
  loop_.Advance(seconds(5));
  answers_.clear();
  Commit({"two"});
  EXPECT_THAT(answers_, ElementsAre(IsOk()));
  EXPECT_THAT(Read(*uplink), ElementsAre("one", "two"));
  loop_.Advance(seconds(1));
  EXPECT_EQ(budget_.used(), 0U) << "nothing is held of what every reader has passed";
}

TEST_F(StoreTest, HoldsInMemoryWhatWasAnsweredForUntilTheDiskTakesIt) {
  const auto uplink = MakeReader();
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  answered_for_ = true;
  ASSERT_THAT(Append("one"), IsOk());
  loop_.RunUntilIdle();
  ASSERT_THAT(Append("two"), IsOk());
  answered_for_ = false;
  ASSERT_THAT(Append("refused"), IsOk());
  Sync();
  EXPECT_THAT(answers_, ElementsAre(HasCode(Code::kUnavailable))) << "the one that waited for it";
  EXPECT_EQ(budget_.used(), 6U) << "the others are still held";
  EXPECT_EQ(log_.Count("records that were answered for wait in memory for the queue's disk"), 1U);
  loop_.Advance(seconds(5));
  Sync();
  EXPECT_EQ(answers_.size(), 1U) << "it fails again";

  disk_.FailSyncs(0);
  loop_.Advance(seconds(5));
  answers_.clear();
  Commit({"three"});
  EXPECT_THAT(answers_, ElementsAre(IsOk(), IsOk(), IsOk()));
  EXPECT_THAT(Read(*uplink), ElementsAre("one", "two", "three"));
  loop_.Advance(seconds(1));
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(StoreTest, WritesWhatWasAnsweredForByItselfOnceTheDiskIsBack) {
  const auto uplink = MakeReader();
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  answered_for_ = true;
  ASSERT_THAT(Append("one"), IsOk());
  Sync();
  disk_.FailSyncs(0);
  for (int second = 0; second < 6; ++second) {
    loop_.Advance(seconds(1));
    Sync();
  }
  EXPECT_THAT(Read(*uplink), ElementsAre("one"));
}

TEST_F(StoreTest, WritesWhatWasAnsweredForWhenItEnds) {
  MakeReader();
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  answered_for_ = true;
  ASSERT_THAT(Append("one"), IsOk());
  Sync();
  ASSERT_TRUE(store_->failed());
  disk_.FailSyncs(0);
  Open();
  EXPECT_THAT(Read(*MakeReader()), ElementsAre("one"));
}

TEST_F(StoreTest, EndsThoughItsDiskFails) {
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  answered_for_ = true;
  ASSERT_THAT(Append("one"), IsOk());
  loop_.RunUntilIdle();  // out
  ASSERT_THAT(Append("two"), IsOk());
  store_.reset();
  EXPECT_THAT(answers_, IsEmpty()) << "nobody is told any more";
}

TEST_F(StoreTest, TakesNoMoreWhenItIsFull) {
  max_bytes_ = std::uint64_t{2} << 20;
  Open();
  const auto uplink = MakeReader();
  const std::string body(100'000, 'x');
  std::size_t kept = 0;
  base::Result<std::uint64_t> last = 0;
  while ((last = Append(body))) {
    Sync();
    ASSERT_LT(++kept, 30U);
  }
  EXPECT_THAT(last, HasCode(Code::kExhausted));
  EXPECT_LE(store_->bytes(), max_bytes_);
  EXPECT_EQ(answers_.size(), kept);

  EXPECT_EQ(Read(*uplink).size(), kept);
  ASSERT_TRUE(uplink->Done(uplink->floor(), uplink->position()));
  for (int i = 0; i < 5; ++i) {
    Sync();
    loop_.Advance(seconds(1));
  }
  EXPECT_THAT(Append(body), IsOk()) << "what is done makes room";
}

TEST_F(StoreTest, MakesRoomByItsOldestRecordsWhereItIsToldTo) {
  max_bytes_ = std::uint64_t{4} << 20;
  drop_oldest_ = true;
  needs_ = [](const std::string& cursor, const record::Record&) { return cursor == "uplink"; };
  Open();
  const auto other = MakeReader("other");
  const auto uplink = MakeReader();
  ASSERT_EQ(uplink->Peek(), nullptr);
  std::size_t refused = 0;
  constexpr std::size_t kRecords = 100;
  for (std::size_t i = 0; i < kRecords; ++i) {
    while (!Append(std::to_string(i) + std::string(100'000, 'x'))) {
      ASSERT_LT(++refused, kRecords);
      Sync();
    }
    Sync();
  }
  EXPECT_EQ(answers_.size(), kRecords) << "none was refused for good";
  EXPECT_LE(store_->bytes(), max_bytes_);
  const double evicted = metrics_.evicted.value();
  EXPECT_GT(evicted, 50);
  EXPECT_GE(log_.Count("queue is full: its oldest records are evicted"), 2U);
  EXPECT_THAT(Ledger(), ElementsAre("evicted uplink " + std::to_string(int(evicted))));
  EXPECT_EQ(Read(*uplink).size() + static_cast<std::size_t>(evicted), kRecords)
      << "the others follow each other";
}

TEST_F(StoreTest, TellsHowOldTheOldestIsThatSomebodyNeeds) {
  const auto quick = MakeReader("quick");
  const auto slow = MakeReader("slow");
  const auto age = [this] {
    loop_.Advance(seconds(1));
    return metrics_.oldest_age_seconds.value();
  };
  EXPECT_EQ(age(), 0);
  Commit({"one"});
  loop_.Advance(seconds(10));
  Commit({"two"});
  loop_.Advance(seconds(5));
  EXPECT_EQ(age(), 16);
  Read(*quick);
  ASSERT_TRUE(quick->Done(0, quick->position()));
  EXPECT_EQ(age(), 17) << "the slowest counts";
  ASSERT_NE(slow->Peek(), nullptr);
  slow->Next();
  ASSERT_TRUE(slow->Done(0, slow->position()));
  EXPECT_EQ(age(), 8);
  Read(*slow);
  ASSERT_TRUE(slow->Done(0, slow->position()));
  EXPECT_EQ(age(), 0);
}

TEST_F(StoreTest, TellsTheAgeOfWhatItWasOpenedWith) {
  MakeReader();
  Commit({"one"});
  loop_.Advance(seconds(10));
  Open();
  const auto uplink = MakeReader();
  ASSERT_NE(uplink->Peek(), nullptr);
  loop_.Advance(seconds(1));
  EXPECT_GE(metrics_.oldest_age_seconds.value(), 1);
  EXPECT_LE(metrics_.oldest_age_seconds.value(), 11);
}

TEST_F(StoreTest, TellsWhenItWillBeFull) {
  max_bytes_ = std::uint64_t{8} << 20;
  Open();
  const auto uplink = MakeReader();
  const auto full_in = [this] { return metrics_.full_in_seconds.value(); };
  EXPECT_TRUE(std::isinf(full_in())) << "from the start";
  const std::string body(20'000, 'x');
  const auto spend = [&](int of_seconds, bool passed_on) {
    for (int second = 0; second < of_seconds; ++second) {
      ASSERT_THAT(Append(body), IsOk());
      Sync();
      if (passed_on) {
        Read(*uplink);
        ASSERT_TRUE(uplink->Done(0, uplink->position()));
      }
      loop_.Advance(seconds(1));
      Sync();
    }
  };
  spend(60, true);
  EXPECT_TRUE(std::isinf(full_in())) << "a log of which nobody needs anything does not fill";
  spend(60, false);
  const double left = full_in();
  EXPECT_GT(left, 150);
  EXPECT_LT(left, 400);
  spend(100, false);
  EXPECT_LT(full_in(), left - 80) << "it comes nearer";
  while (Append(body)) Sync();
  loop_.Advance(seconds(1));
  EXPECT_EQ(full_in(), 0) << "it is";
  Read(*uplink);
  ASSERT_TRUE(uplink->Done(0, uplink->position()));
  for (int second = 0; second < 15; ++second) {
    loop_.Advance(seconds(1));
    Sync();
  }
  EXPECT_TRUE(std::isinf(full_in())) << "it is not any more";
}

TEST_F(StoreTest, CountsWhatItHoldsInMemoryAndGivesItBack) {
  const auto uplink = MakeReader();
  Commit({std::string(1000, 'x'), std::string(1000, 'y')});
  EXPECT_GT(budget_.used(), 2000U) << "cached for its reader";
  Read(*uplink);
  loop_.Advance(seconds(1));
  EXPECT_EQ(budget_.used(), 0U) << "passed, and forgotten";
}

TEST_F(StoreTest, TakesANewIdWithoutLosingARecord) {
  const auto uplink = MakeReader();
  Commit({"one"});
  const record::StoreId former = store_->id();
  ASSERT_THAT(store_->TakeNewStore(), IsOk());
  EXPECT_NE(store_->id(), former);
  EXPECT_THAT(Read(*uplink), ElementsAre("one"));
}

TEST_F(StoreTest, CountsAndTellsDamage) {
  MakeReader();
  Commit({std::string(1000, 'x'), "two", "three"});
  store_.reset();
  disk_.SpoilSector("queue", Segments().front(), 512);
  Open();
  EXPECT_GE(metrics_.damaged.value(), 1);
  EXPECT_EQ(log_.Count("queue is damaged"), 1U);
}

TEST_F(StoreTest, WritesCursorsWhileASyncTakesItsTime) {
  Open();
  const auto reader = MakeReader();
  Commit({"one"});
  ASSERT_TRUE(Append("two"));
  loop_.RunUntilIdle();  // its sync is out, and stays out
  ASSERT_TRUE(reader->Done(0, store_->synced_through()));
  bool said = false;
  reader->AfterSaid([&said] { said = true; });
  loop_.RunUntilIdle();
  EXPECT_FALSE(said) << "nobody wrote it yet";
  while (cursor_worker_.RunOne()) loop_.RunUntilIdle();
  EXPECT_TRUE(said);
  EXPECT_EQ(worker_.waiting(), 1U);
}

TEST_F(StoreTest, SaysAtOnceThatNothingWasSaid) {
  Open();
  const auto reader = MakeReader();
  Commit({"one"});
  bool said = false;
  reader->AfterSaid([&said] { said = true; });
  loop_.RunUntilIdle();
  EXPECT_TRUE(said);
}

TEST_F(StoreTest, TellsNoReaderThatIsGone) {
  Open();
  auto reader = MakeReader();
  Commit({"one"});
  ASSERT_TRUE(reader->Done(0, store_->synced_through()));
  reader->AfterSaid([] { FAIL(); });
  reader.reset();
  Sync();
}

TEST_F(StoreTest, BringsAReaderToTheEndThoughTheLastRecordsAreDamaged) {
  MakeReader();
  Commit({"one", std::string(1000, 'x')});
  Open();
  const auto uplink = MakeReader();
  SpoilTail();
  EXPECT_THAT(Read(*uplink), ElementsAre("one"));
  EXPECT_EQ(uplink->position(), uplink->end());
  EXPECT_FALSE(uplink->AtEnd()) << "one is not done";
  ASSERT_TRUE(uplink->Done(uplink->floor(), uplink->end() - 1));
  EXPECT_TRUE(uplink->AtEnd());
  EXPECT_EQ(metrics_.damaged.value(), 1) << "and it is counted";
  Commit({"two"});
  EXPECT_THAT(Read(*uplink), ElementsAre("two"));
}

TEST_F(StoreTest, PassesOverNothingWhileTheDiskCannotBeRead) {
  MakeReader();
  Commit({"one", "two"});
  Open();
  const auto uplink = MakeReader();
  disk_.FailOpens(fs::FaultyStorage::kAlways, ".log");
  EXPECT_THAT(Read(*uplink), IsEmpty());
  EXPECT_LT(uplink->position(), uplink->end());
  disk_.FailOpens(0);
  EXPECT_THAT(Read(*uplink), ElementsAre("one", "two"));
}

}  // namespace
}  // namespace postern::store
