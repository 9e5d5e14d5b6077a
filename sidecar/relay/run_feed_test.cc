#include "sidecar/relay/run_feed.h"

#include <gmock/gmock.h>

#include "sidecar/store/testing/store_fixture.h"

namespace postern::relay {
namespace {

using record::Answer;
using record::AnswerCode;
using record::RunAnswer;
using record::Signal;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// Keeps the run until the test answers it.
class HeldRuns final : public record::RunSink {
 public:
  void Take(record::RunPtr run, record::RunDone done) override {
    CHECK(run_ == nullptr, "one run at a time");
    taken.push_back(Bodies(*run));
    run_ = std::move(run);
    done_ = std::move(done);
    if (at_once) AnswerWith({});
  }
  static std::vector<std::string> Bodies(const record::Run& run) {
    std::vector<std::string> bodies;
    for (const auto& item : run.records) bodies.emplace_back(item.record->body.view());
    return bodies;
  }
  void AnswerWith(const RunAnswer& answer) {
    run_ = nullptr;
    std::exchange(done_, nullptr)(answer);
  }
  bool waits() const { return run_ != nullptr; }
  const record::Run& run() const { return *run_; }

  std::vector<std::vector<std::string>> taken;
  bool at_once = false;

 private:
  record::RunPtr run_;
  record::RunDone done_;
};

RunAnswer Failure(std::chrono::milliseconds retry_after = {}) {
  return {.whole = {.code = AnswerCode::kUnavailable,
                    .message = "no room",
                    .retry_after = retry_after,
                    .response = {}},
          .rejected = {}};
}
RunAnswer Rejects(std::vector<std::size_t> indexes) {
  RunAnswer answer;
  for (const std::size_t index : indexes) {
    answer.rejected.push_back(
        {.index = index,
         .answer = {.code = AnswerCode::kInvalidArgument, .message = "no export", .response = {}}});
  }
  return answer;
}

class RunFeedTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    Open();
    OpenLetters();
  }
  ~RunFeedTest() override { feed_.reset(); }

  // Its first run, which is empty here, is answered.
  void MakeFeed() {
    auto made = RunFeed::Make({loop_, log_.logger(), relay_metrics_, registry_, *letters_}, *store_,
                              sink_, options_);
    ASSERT_TRUE(made);
    feed_ = *std::move(made);
    loop_.RunUntilIdle();
  }
  void MakeReadyFeed() {
    MakeFeed();
    ASSERT_THAT(sink_.taken, ElementsAre(IsEmpty())) << "the sink gets ready";
    sink_.AnswerWith({});
    sink_.taken.clear();
  }
  void Restart() {
    feed_.reset();
    sink_ = HeldRuns();
    Open();
    MakeFeed();
  }
  void Keep(const std::string& body, Signal signal = Signal::kLogs) {
    store::Store::Incoming incoming{
        .record = {.signal = signal, .metadata = {}, .origin = {}, .body = base::Bytes::Copy(body)},
        .hop = {},
        .on_kept = [](const base::Status&) {}};
    ASSERT_TRUE(store_->Append(incoming));
  }
  std::uint64_t Floor() { return MakeReader("local/logs")->floor(); }

  HeldRuns sink_;
  RelayMetrics relay_metrics_{registry_};
  RunFeed::Options options_{.backend = "local"};
  std::unique_ptr<RunFeed> feed_;
};

TEST_F(RunFeedTest, DeliversInOrderOneRunAtATimeAndOnlyItsSignal) {
  MakeReadyFeed();
  Keep("1");
  Keep("metrics", Signal::kMetrics);
  Keep("2");
  Sync();
  Keep("3");
  Keep("4");
  Sync();
  EXPECT_THAT(sink_.taken, ElementsAre(ElementsAre("1", "2")));
  EXPECT_FALSE(feed_->empty());
  sink_.AnswerWith({});
  EXPECT_THAT(sink_.taken, ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4")));
  sink_.AnswerWith({});
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(Floor(), store_->synced_through());
}

TEST_F(RunFeedTest, TellsWhoseRecordsTheyAreAndWhatTheStoreHadAtFirst) {
  Keep("1");
  Sync();
  const std::uint64_t opened = store_->synced_through();
  MakeFeed();
  Keep("2");
  Sync();
  sink_.AnswerWith({});
  EXPECT_EQ(sink_.run().store, store_->id());
  EXPECT_EQ(sink_.run().opened_through, opened);
  EXPECT_EQ(sink_.run().signal, Signal::kLogs);
  EXPECT_EQ(sink_.run().records[0].sequence, opened + 1);
}

TEST_F(RunFeedTest, BoundsARun) {
  options_.most_records = 3;
  options_.most_bytes = 10;
  MakeReadyFeed();
  for (const char* body : {"12345", "12345", "1", "2", "3", "4", "a large one", "5"}) Keep(body);
  Sync();
  while (sink_.waits()) sink_.AnswerWith({});
  EXPECT_THAT(sink_.taken,
              ElementsAre(ElementsAre("12345", "12345"), ElementsAre("1", "2", "3"),
                          ElementsAre("4"), ElementsAre("a large one"), ElementsAre("5")));
}

TEST_F(RunFeedTest, SendsTheSameAgainWhereTheSinkFails) {
  MakeReadyFeed();
  Keep("1");
  Keep("2");
  Sync();
  Keep("3");
  Sync();
  for (int i = 0; i < 5; ++i) {
    sink_.AnswerWith(Failure());
    EXPECT_FALSE(sink_.waits()) << "not at once";
    EXPECT_EQ(Floor(), 0U);
    loop_.Advance(seconds(5));
    EXPECT_THAT(sink_.taken.back(), ElementsAre("1", "2"));
  }
  sink_.AnswerWith({});
  EXPECT_THAT(sink_.taken.back(), ElementsAre("3"));
  sink_.AnswerWith(Failure(seconds(30)));
  loop_.Advance(seconds(29));
  EXPECT_FALSE(sink_.waits()) << "as long as it asks";
  loop_.Advance(seconds(1));
  sink_.AnswerWith({});
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(relay_metrics_.rejected.value(), 0);
  EXPECT_EQ(relay_metrics_.redelivered.value(), 0);
  EXPECT_THAT(Ledger(), IsEmpty());
}

TEST_F(RunFeedTest, RejectsWhatTheSinkSaysAndKeepsTheOthers) {
  MakeReadyFeed();
  for (const char* body : {"bad", "1", "bad", "bad", "2"}) Keep(body);
  Sync();
  sink_.AnswerWith(Rejects({0, 2, 3}));
  Sync();
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(relay_metrics_.rejected.value(), 3);
  EXPECT_EQ(metrics_.LeftBy(store::Reason::kRejected).value(), 3);
  EXPECT_THAT(Ledger(), ElementsAre("rejected local/logs 1", "rejected local/logs 2"));
  EXPECT_EQ(log_.Count("record rejected"), 3U);
  EXPECT_EQ(Floor(), store_->synced_through());
  const std::string letter = "local/logs: no export|bad";
  EXPECT_THAT(Letters(), ElementsAre(letter, letter, letter));
}

TEST_F(RunFeedTest, HoldsTheRunUntilItsLettersAreSynced) {
  MakeReadyFeed();
  for (const char* body : {"1", "bad"}) Keep(body);
  Sync();
  Keep("2");
  letters_disk_.FailSyncs(1, ".log");
  sink_.AnswerWith(Rejects({1}));
  Sync();
  EXPECT_FALSE(sink_.waits()) << "in order";
  EXPECT_THAT(Ledger(), IsEmpty());
  EXPECT_FALSE(feed_->empty());
  loop_.Advance(seconds(6));
  Sync();
  EXPECT_THAT(sink_.taken.back(), ElementsAre("2"));
  sink_.AnswerWith({});
  Sync();
  EXPECT_TRUE(feed_->empty());
  EXPECT_THAT(Ledger(), ElementsAre("rejected local/logs 1"));
  EXPECT_THAT(Letters(), ElementsAre("local/logs: no export|bad"));
}

TEST_F(RunFeedTest, ExpiresWhatTheSinkDidNotTakeInTime) {
  max_age_ = hours(1);
  Open();
  MakeReadyFeed();
  Keep("old");
  Sync();
  sink_.AnswerWith(Failure());
  loop_.Advance(seconds(5));
  loop_.Advance(hours(2));
  Keep("new");
  Sync();
  sink_.AnswerWith(Failure());
  loop_.Advance(seconds(5));
  EXPECT_THAT(sink_.taken.back(), ElementsAre("new"));
  sink_.AnswerWith({});
  Sync();
  EXPECT_TRUE(feed_->empty());
  EXPECT_THAT(Ledger(), ElementsAre("expired local/logs 1"));
}

TEST_F(RunFeedTest, TellsThatItsSinkRefusesAndHowFarBehindItIs) {
  const auto shows = [this](const std::string& name, const std::string& value) {
    const std::string line = name + R"({backend="local",signal="logs"} )" + value + "\n";
    return registry_.Render().find(line) != std::string::npos;
  };
  MakeReadyFeed();
  EXPECT_TRUE(shows("postern_backend_refuses", "0"));
  EXPECT_TRUE(shows("postern_backend_behind_bytes", "0"));
  Keep("1");
  Sync();
  sink_.AnswerWith(Failure());
  EXPECT_TRUE(shows("postern_backend_refuses", "1"));
  EXPECT_FALSE(shows("postern_backend_behind_bytes", "0"));
  EXPECT_EQ(log_.Count("backend refuses: it is tried again"), 1U);
  loop_.Advance(seconds(5));
  sink_.AnswerWith({});
  EXPECT_TRUE(shows("postern_backend_refuses", "0"));
  EXPECT_TRUE(shows("postern_backend_behind_bytes", "0"));
}

TEST_F(RunFeedTest, EvictsWhatIsTooFarBehind) {
  options_.max_behind = std::uint64_t{1} << 20;
  MakeReadyFeed();
  for (int i = 0; i < 40; ++i) {
    Keep(std::string(100'000, 'x'));
    Sync();
    if (i == 0) sink_.AnswerWith(Failure(seconds(60)));
  }
  loop_.Advance(seconds(61));
  sink_.at_once = true;
  if (sink_.waits()) sink_.AnswerWith({});
  Sync();
  EXPECT_TRUE(feed_->empty());
  EXPECT_GE(metrics_.evicted.value(), 25);
}

TEST_F(RunFeedTest, PassesOverAStoreOfOthersRecordsInTurns) {
  options_.most_records = 1;
  MakeReadyFeed();
  for (int i = 0; i < 10'000; ++i) Keep("m", Signal::kMetrics);
  Keep("1");
  Sync();
  EXPECT_THAT(sink_.taken, ElementsAre(ElementsAre("1")));
  sink_.AnswerWith({});
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(Floor(), store_->synced_through());
}

TEST_F(RunFeedTest, GoesOnAfterARestartBehindWhatWasAnswered) {
  MakeReadyFeed();
  Keep("1");
  Sync();
  Keep("2");
  Sync();
  sink_.AnswerWith({});
  Sync();  // the cursor too
  Restart();
  EXPECT_THAT(sink_.taken, ElementsAre(ElementsAre("2")));
}

TEST_F(RunFeedTest, PassesOverWhatABackendFeedDidOutOfOrder) {
  Keep("1");
  Keep("2");
  Keep("3");
  Sync();
  {
    const auto reader = MakeReader("local/logs");
    const std::uint64_t first = reader->Peek()->sequence;
    ASSERT_TRUE(reader->Done(first, first + 1));
  }
  MakeFeed();
  EXPECT_THAT(sink_.taken, ElementsAre(ElementsAre("1", "3")));
}

TEST_F(RunFeedTest, TakesAnswersThatComeAtOnce) {
  sink_.at_once = true;
  options_.most_records = 1;
  MakeFeed();
  for (int i = 0; i < 1000; ++i) Keep("1");
  Sync();
  EXPECT_EQ(sink_.taken.size(), 1001U);
  EXPECT_TRUE(feed_->empty());
}

TEST_F(RunFeedTest, HearsNoAnswerAfterItsEnd) {
  MakeReadyFeed();
  Keep("1");
  Sync();
  feed_.reset();
  sink_.AnswerWith({});
  EXPECT_EQ(Floor(), 0U);
}

}  // namespace
}  // namespace postern::relay
