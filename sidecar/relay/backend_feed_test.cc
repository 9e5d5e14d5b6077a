#include "sidecar/relay/backend_feed.h"

#include <gmock/gmock.h>

#include "sidecar/relay/testing/feed_fixture.h"

namespace postern::relay {
namespace {

using link::ScriptSink;
using record::Answer;
using record::AnswerCode;
using record::Signal;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class BackendFeedTest : public FeedFixture {};

TEST_F(BackendFeedTest, DeliversInOrderOneAtATimeAndOnlyItsSignal) {
  MakeFeed();
  Keep("1");
  Keep("metrics", "a.example", Signal::kMetrics);
  Keep("2");
  Sync();
  EXPECT_THAT(Delivered(), ElementsAre("1"));
  EXPECT_FALSE(feed_->empty());
  backend_.AnswerNext({});
  EXPECT_THAT(Delivered(), ElementsAre("1", "2"));
  backend_.AnswerNext({});
  EXPECT_TRUE(feed_->empty());
}

TEST_F(BackendFeedTest, DeliversTheRecordsOfSeveralOriginsSideBySide) {
  options_.in_flight = 2;
  MakeFeed();
  for (const char* member : {"a.example", "b.example", "c.example"}) {
    Keep(std::string(member) + " 1", member);
    Keep(std::string(member) + " 2", member);
  }
  Sync();
  EXPECT_EQ(backend_.held().size(), 2U) << "as many as may be in flight";
  const std::string first(backend_.held()[0].record->origin.member);
  backend_.AnswerAt(0, {});
  Sync();
  EXPECT_NE(backend_.held().back().record->origin.member, first) << "the others have their turn";
  while (!backend_.held().empty()) {
    backend_.AnswerNext({});
    Sync();
  }
  EXPECT_EQ(Delivered().size(), 6U);
  EXPECT_TRUE(feed_->empty());
}

TEST_F(BackendFeedTest, HasNoMoreInFlightThanAKillMayRepeat) {
  options_.in_flight = 2;
  MakeFeed();
  for (int i = 0; i < 10; ++i) Keep(std::to_string(i));
  do loop_.RunUntilIdle();
  while (worker_.RunOne());
  EXPECT_THAT(Delivered(), ElementsAre("0"));
  backend_.AnswerNext({});
  backend_.AnswerNext({});
  EXPECT_THAT(Delivered(), ElementsAre("0", "1")) << "that they were answered is not written yet";
  disk_.KillProcess();
  Restart();
  for (int i = 0; i < 10; ++i) {
    Sync();
    if (!backend_.held().empty()) backend_.AnswerNext({});
  }
  EXPECT_THAT(Delivered(), ElementsAre("0", "1", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
}

TEST_F(BackendFeedTest, GoesOnWhereCursorsCannotBeWritten) {
  options_.in_flight = 1;
  MakeFeed();
  Keep("1");
  Keep("2");
  Sync();
  disk_.FailWrites(1, "cursors");
  backend_.AnswerNext({});
  Sync();
  EXPECT_THAT(Delivered(), ElementsAre("1", "2"));
}

TEST_F(BackendFeedTest, TriesAgainWhatIsNoFaultOfTheBody) {
  for (const AnswerCode code : {AnswerCode::kUnavailable, AnswerCode::kUnauthenticated,
                                AnswerCode::kNotFound, AnswerCode::kResourceExhausted,
                                AnswerCode::kPermissionDenied, AnswerCode::kUnimplemented}) {
    ScriptSink fresh;
    backend_ = fresh;
    MakeFeed();
    Keep("1");
    Keep("2");
    Sync();
    for (int i = 0; i < 5; ++i) {
      backend_.AnswerNext(Refusal(code));
      EXPECT_THAT(backend_.held(), IsEmpty()) << "not at once";
      loop_.Advance(seconds(61));
      ASSERT_EQ(backend_.held().size(), 1U) << i;
    }
    backend_.AnswerNext({});
    backend_.AnswerNext({});
    EXPECT_EQ(Delivered().back(), "2");
    EXPECT_TRUE(feed_->empty());
    feed_.reset();
  }
  EXPECT_EQ(relay_metrics_.rejected.value(), 0);
}

TEST_F(BackendFeedTest, WaitsAsLongAsTheBackendAsks) {
  MakeFeed();
  Keep("1");
  Sync();
  backend_.AnswerNext({.code = AnswerCode::kResourceExhausted,
                       .message = "full",
                       .retry_after = seconds(30),
                       .response = {}});
  loop_.Advance(seconds(29));
  EXPECT_THAT(backend_.held(), IsEmpty());
  loop_.Advance(seconds(1));
  EXPECT_EQ(backend_.held().size(), 1U);
}

TEST_F(BackendFeedTest, RejectsAFaultOfTheBodyAndGoesOn) {
  MakeFeed();
  Keep("bad");
  Keep("good");
  Sync();
  backend_.AnswerNext(Refusal(AnswerCode::kInvalidArgument));
  Sync();
  EXPECT_EQ(relay_metrics_.rejected.value(), 1);
  EXPECT_THAT(Delivered(), ElementsAre("bad", "good"));
  EXPECT_EQ(log_.Count("record rejected"), 1U);
  EXPECT_EQ(metrics_.rejected.value(), 1);
  EXPECT_THAT(Ledger(), ElementsAre("rejected collector/logs 1"));
  EXPECT_THAT(Letters(), ElementsAre("collector/logs: no|bad"));
}

TEST_F(BackendFeedTest, HoldsALineAndNoOtherUntilTheLetterIsSynced) {
  options_.in_flight = 1;
  MakeFeed();
  backend_.OnDeliver([](const record::Record& record) -> Answer {
    return record.body.view() == "bad" ? Refusal(AnswerCode::kInvalidArgument) : Answer{};
  });
  letters_disk_.FailSyncs(1, ".log");
  for (const char* body : {"bad", "behind it"}) Keep(body);
  for (const char* body : {"b 1", "b 2"}) Keep(body, "b.example");
  Sync();
  EXPECT_THAT(Delivered(), ElementsAre("bad", "b 1", "b 2"));
  EXPECT_FALSE(feed_->empty());
  EXPECT_EQ(metrics_.rejected.value(), 0);
  EXPECT_THAT(Ledger(), IsEmpty());
  loop_.Advance(seconds(6));
  Sync();
  EXPECT_THAT(Delivered(), ElementsAre("bad", "b 1", "b 2", "behind it"));
  EXPECT_TRUE(feed_->empty());
  EXPECT_THAT(Ledger(), ElementsAre("rejected collector/logs 1"));
  EXPECT_THAT(Letters(), ElementsAre("collector/logs: no|bad"));
}

TEST_F(BackendFeedTest, OffersARecordAgainWhoseLetterAKillCutOff) {
  MakeFeed();
  Keep("bad");
  Sync();
  letters_disk_.FailSyncs(fs::FaultyStorage::kAlways);
  backend_.AnswerNext(Refusal(AnswerCode::kInvalidArgument));
  Sync();
  feed_.reset();
  disk_.KillProcess();
  Restart();
  EXPECT_THAT(Delivered(), ElementsAre("bad", "bad"));
}

TEST_F(BackendFeedTest, WritesDownLaterWhatItsCursorHasNoRangeForYet) {
  options_.in_flight = 2;
  MakeFeed();
  Keep("held", "held.example");
  Sync();
  // Each but the first leaves one number out that nobody has said to be done.
  backend_.OnDeliver([](const record::Record& record) -> std::optional<Answer> {
    if (record.origin.member == "held.example") return std::nullopt;
    return Refusal(AnswerCode::kInvalidArgument);
  });
  const std::string member = "a.example";
  constexpr int kRecords = 1100;
  for (int i = 0; i < kRecords; ++i) {
    Keep("bad", member);
    Keep("held", "held.example");
    Sync();
  }
  EXPECT_LT(metrics_.rejected.value(), kRecords) << "there are not so many ranges";
  EXPECT_EQ(relay_metrics_.rejected.value(), kRecords);
  backend_.OnDeliver([](const record::Record&) { return Answer{}; });
  backend_.AnswerNext({});
  Sync();
  EXPECT_EQ(metrics_.rejected.value(), kRecords);
  EXPECT_TRUE(feed_->empty());
  Restart();
  EXPECT_TRUE(feed_->empty());
}

TEST_F(BackendFeedTest, OneOriginThatIsRefusedHoldsUpNoOther) {
  MakeFeed();
  backend_.OnDeliver([](const record::Record& record) -> std::optional<Answer> {
    return record.origin.member == "a.example" ? Refusal(AnswerCode::kUnavailable) : Answer{};
  });
  for (int i = 0; i < 3; ++i) {
    Keep("a", "a.example");
    Keep("b" + std::to_string(i), "b.example");
  }
  Sync();
  EXPECT_THAT(Delivered(), ElementsAre("a", "b0", "b1", "b2"));
}

// === merging ===

TEST_F(BackendFeedTest, MergesNeighboursByWritingOneBehindTheOther) {
  options_.most_merged = 5;
  MakeFeed();
  Keep("1");
  Sync();
  for (const char* body : {"22", "333", "4", "55"}) Keep(body);
  Keep("6", "a.example", Signal::kLogs, "east");
  Keep("7", "a.example", Signal::kLogs, "west");
  Sync();
  backend_.OnDeliver([](const record::Record&) { return Answer{}; });
  backend_.AnswerNext({});
  Sync();
  EXPECT_THAT(Delivered(), ElementsAre("1", "22333", "455", "6", "7"));
  EXPECT_TRUE(feed_->empty());
}

TEST_F(BackendFeedTest, FindsTheOneAtFaultAmongThoseItMerged) {
  options_.most_merged = 100;
  MakeFeed();
  backend_.OnDeliver([](const record::Record& record) -> Answer {
    const bool bad = record.body.view().find('x') != std::string_view::npos;
    return bad ? Refusal(AnswerCode::kInvalidArgument) : Answer{};
  });
  for (const char* body : {"1", "x", "3"}) Keep(body);
  Sync();
  EXPECT_THAT(Delivered(), ElementsAre("1x3", "1", "x", "3"));
  EXPECT_EQ(relay_metrics_.rejected.value(), 1);
  Keep("4");
  Keep("5");
  Sync();
  EXPECT_EQ(Delivered().back(), "45") << "and merges again";
}

TEST_F(BackendFeedTest, KnowsWhoseRecordsACursorHoldsBack) {
  record::Record logs{.signal = Signal::kLogs, .metadata = {}, .origin = {}, .body = {}};
  EXPECT_TRUE(BackendFeed::Needs(BackendFeed::CursorName("collector", Signal::kLogs), logs));
  EXPECT_FALSE(BackendFeed::Needs(BackendFeed::CursorName("collector", Signal::kTraces), logs));
  EXPECT_FALSE(BackendFeed::Needs(BackendFeed::CursorName("", Signal::kLogs), logs));
  EXPECT_TRUE(BackendFeed::Needs("uplink", logs));
}

// === age ===

TEST_F(BackendFeedTest, DropsWhatIsTooOldWhenItComesToIt) {
  max_age_ = seconds(60);
  Open();
  Keep("old");
  Keep("old metrics", "a.example", Signal::kMetrics);
  Sync();
  loop_.Advance(seconds(61));
  Keep("new");
  Sync();
  backend_.OnDeliver([](const record::Record&) { return Answer{}; });
  MakeFeed();
  EXPECT_THAT(Delivered(), ElementsAre("new"));
  Sync();
  EXPECT_EQ(metrics_.expired.value(), 1) << "not another signal's";
  EXPECT_THAT(Ledger(), testing::Contains("expired collector/logs 1"));
  Restart();
  EXPECT_TRUE(feed_->empty());
}

TEST_F(BackendFeedTest, DropsFromTheFrontWhatGrowsTooOldButNothingInFlight) {
  max_age_ = seconds(60);
  Open();
  MakeFeed();
  for (const char* body : {"1", "2", "3"}) Keep(body);
  Keep("other", "b.example");
  Sync();
  backend_.AnswerAt(1, {.code = AnswerCode::kUnavailable,
                        .message = "down",
                        .retry_after = seconds(3600),
                        .response = {}});
  loop_.Advance(seconds(62));
  EXPECT_EQ(metrics_.expired.value(), 1) << "the other's, which nobody has; 1 is in flight";
  Keep("4");
  Sync();
  backend_.AnswerNext({});
  loop_.Advance(seconds(2));
  EXPECT_THAT(Delivered(), ElementsAre("1", "other", "4"));
  EXPECT_EQ(metrics_.expired.value(), 3);
  backend_.AnswerNext({});
  EXPECT_TRUE(feed_->empty());
  Restart();
  EXPECT_TRUE(feed_->empty());
}

TEST_F(BackendFeedTest, ADeadBackendsOldRecordsLetTheLogGo) {
  max_bytes_ = std::uint64_t{4} << 20;
  max_age_ = seconds(60);
  options_.look_ahead = 300'000;
  Open();
  MakeFeed();
  backend_.OnDeliver([](const record::Record&) { return Refusal(AnswerCode::kUnavailable); });
  for (int i = 0; i < 100; ++i) {
    Keep(std::string(100'000, 'x'));
    Sync();
    loop_.Advance(seconds(10));
    Sync();
  }
  EXPECT_GE(metrics_.expired.value(), 80);
}

TEST_F(BackendFeedTest, DropsWhatIsTooOldThoughAnotherOriginHasAllRequests) {
  max_age_ = seconds(60);
  options_.in_flight = 1;
  Open();
  MakeFeed();
  Keep("held", "a.example");
  Keep("waits", "b.example");
  Sync();
  loop_.Advance(seconds(62));
  EXPECT_EQ(metrics_.expired.value(), 1);
}

TEST_F(BackendFeedTest, GoesOnBehindWhatWasEvicted) {
  max_bytes_ = std::uint64_t{4} << 20;
  drop_oldest_ = true;
  options_.in_flight = 1;
  needs_ = BackendFeed::Needs;
  Open();
  MakeFeed();
  const auto keep = [this](const std::string& body, const std::string& member) {
    for (int tries = 0; tries < 5; ++tries) {
      const double before = metrics_.evicted.value();
      store::Store::Incoming incoming{
          .record = {.metadata = {},
                     .origin = {.member = member, .store = {}, .sequence = ++sequence_},
                     .body = base::Bytes::Copy(body)},
          .hop = {},
          .on_kept = [](const base::Status&) {}};
      const auto kept = store_->Append(incoming);
      Sync();
      if (kept) return;
      EXPECT_GE(metrics_.evicted.value(), before);
    }
    FAIL() << "no room was made";
  };
  for (int i = 0; i < 60; ++i) keep(std::to_string(i) + std::string(100'000, 'x'), "a.example");
  ASSERT_EQ(backend_.held().size(), 1U);
  ASSERT_GT(metrics_.evicted.value(), 10);
  backend_.OnDeliver([](const record::Record&) { return Answer{}; });
  backend_.AnswerNext({});
  Sync();
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(Delivered().size() + static_cast<std::size_t>(metrics_.evicted.value()), 61U)
      << "the one in flight was evicted and delivered";
  Restart();
  EXPECT_TRUE(feed_->empty());
}

// === restarts ===

TEST_F(BackendFeedTest, DeliversAfterARestartWhatWasNotAnsweredAndSaysThatItMayBeARepeat) {
  MakeFeed();
  for (const char* body : {"1", "2", "3"}) Keep(body);
  Sync();
  backend_.AnswerNext({});
  Sync();
  loop_.Advance(seconds(2));
  Sync();
  Restart();
  EXPECT_THAT(Delivered(), ElementsAre("1", "2", "2"));
  EXPECT_FALSE(backend_.delivered()[1]->possible_repeat);
  EXPECT_TRUE(backend_.delivered()[2]->possible_repeat);
  EXPECT_EQ(relay_metrics_.redelivered.value(), 2) << "2 and 3: which, nobody wrote down";
  Sync();
  EXPECT_THAT(Ledger(), ElementsAre("redelivered collector/logs 2"));
  Keep("4");
  Sync();
  backend_.AnswerAll({});
  backend_.AnswerAll({});
  EXPECT_EQ(Delivered().back(), "4");
  EXPECT_FALSE(backend_.delivered().back()->possible_repeat) << "new since the restart";
}

TEST_F(BackendFeedTest, CountsWhatMayBeARepeatOnceHoweverOftenItIsTried) {
  MakeFeed();
  for (const char* body : {"1", "2"}) Keep(body);
  Sync();
  Restart();
  for (int i = 0; i < 5; ++i) {
    backend_.AnswerAll(Refusal(AnswerCode::kUnavailable));
    loop_.Advance(seconds(61));
  }
  EXPECT_TRUE(backend_.delivered().back()->possible_repeat);
  EXPECT_EQ(relay_metrics_.redelivered.value(), 2);
}

TEST_F(BackendFeedTest, RemembersWhatWasDoneOutOfOrder) {
  MakeFeed();
  Keep("a", "a.example");
  Keep("b", "b.example");
  Keep("c", "c.example");
  Sync();
  ASSERT_EQ(backend_.held().size(), 3U);
  backend_.AnswerAt(1, {});  // b
  Sync();
  loop_.Advance(seconds(2));
  Sync();
  Restart();
  EXPECT_THAT(Delivered(), ElementsAre("a", "b", "c", "a", "c"));
}

TEST_F(BackendFeedTest, LetsTheLogGoOnceItIsDone) {
  max_bytes_ = std::uint64_t{2} << 20;
  Open();
  MakeFeed();
  backend_.OnDeliver([](const record::Record&) { return Answer{}; });
  for (int i = 0; i < 100; ++i) {
    Keep(std::string(100'000, 'x'));
    Sync();
    loop_.Advance(seconds(1));
    Sync();
  }
  EXPECT_EQ(Delivered().size(), 100U);
}

TEST_F(BackendFeedTest, TakesNoMoreThanItMayLookAhead) {
  options_.look_ahead = 1000;
  MakeFeed();
  for (int i = 0; i < 50; ++i) Keep(std::string(100, 'x'));
  Sync();
  budget_.Force(0);
  EXPECT_EQ(backend_.held().size(), 1U);
  backend_.OnDeliver([](const record::Record&) { return Answer{}; });
  backend_.AnswerNext({});
  Sync();
  EXPECT_EQ(Delivered().size(), 50U);
  EXPECT_TRUE(feed_->empty());
}

TEST_F(BackendFeedTest, IsEmptyOnceAllIsDeliveredButWhatIsDamaged) {
  MakeFeed();
  Keep("1");
  Sync();
  Keep(std::string(1000, 'x'));
  Sync();
  feed_.reset();
  backend_ = ScriptSink();
  Open();
  SpoilTail();
  MakeFeed();
  EXPECT_THAT(Delivered(), ElementsAre("1"));
  EXPECT_FALSE(feed_->empty());
  backend_.AnswerNext({});
  EXPECT_TRUE(feed_->empty()) << "a drain comes to its end";
}

}  // namespace
}  // namespace postern::relay
