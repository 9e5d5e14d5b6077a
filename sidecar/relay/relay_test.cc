#include "sidecar/relay/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "sidecar/link/testing/script_sink.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::relay {
namespace {

using link::ScriptSink;
using record::Answer;
using record::AnswerCode;
using record::Signal;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class RelayTest : public store::StoreFixture {
 protected:
  void SetUp() override { Open(); }
  Relay& Make(AckMode ack, bool has_parent) {
    return relay_.emplace(
        Relay::Options{.host = "gw1.example", .ack = ack}, budget_,
        Relay::Ways{.store = *store_, .live = has_parent ? &live_ : nullptr, .backends = backends_},
        relay_metrics_);
  }
  // Hands an export in whose door took 10 bytes for it.
  void Accept(const std::string& body = "body") {
    budget_.Force(10);
    relay_->Accept({.signal = Signal::kTraces,
                    .metadata = {{"x-tenant", "east"}},
                    .body = base::Bytes::Copy(body),
                    .held = 10,
                    .deadline = loop_.clock().Now() + seconds(10)},
                   [this](Answer answer) { answers_.push_back(std::move(answer)); });
  }
  static Answer Refused() {
    return {.code = AnswerCode::kUnavailable,
            .message = "away",
            .retry_after = seconds(2),
            .response = {}};
  }

  link::LiveQueue live_;
  ScriptSink backends_;
  RelayMetrics relay_metrics_{registry_};
  std::vector<Answer> answers_;
  std::optional<Relay> relay_;
};

// === EndToEnd ===

TEST_F(RelayTest, HoldsTheClientAndItsBytesUntilTheBackendAnswers) {
  Make(AckMode::kEndToEnd, false);
  Accept();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(budget_.used(), 10U);
  EXPECT_EQ(relay_->waiting(), 1U);
  backends_.AnswerNext(Refused());
  EXPECT_THAT(answers_, ElementsAre(Refused())) << "as the backend said it";
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->waiting(), 0U);
}

TEST_F(RelayTest, GivesBytesBackBeforeTheClientHears) {
  Make(AckMode::kEndToEnd, false);
  budget_.Force(10);
  std::uint64_t used = 99;
  relay_->Accept({.metadata = {}, .body = {}, .held = 10, .deadline = {}},
                 [&](const Answer&) { used = budget_.used(); });
  backends_.AnswerNext({});
  EXPECT_EQ(used, 0U) << "an answered client may export again at once";
}

TEST_F(RelayTest, SendsUpWhereThereIsAParent) {
  Make(AckMode::kEndToEnd, true);
  Accept();
  EXPECT_THAT(backends_.delivered(), IsEmpty());
  ASSERT_EQ(live_.size(), 1U);
  EXPECT_EQ(live_.front().deadline, loop_.clock().Now() + seconds(10));
  live_.Pop().done({});
  EXPECT_TRUE(answers_.at(0).ok());
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->waiting(), 0U);
}

TEST_F(RelayTest, NamesItselfAsTheOriginAndCounts) {
  Make(AckMode::kEndToEnd, false);
  Accept("one");
  Accept("two");
  const record::Record& second = *backends_.delivered().at(1);
  EXPECT_EQ(second.origin, (record::Origin{"gw1.example", store_->id(), 2}));
  EXPECT_EQ(second.signal, Signal::kTraces);
  EXPECT_EQ(second.hops, 0);
  EXPECT_EQ(second.body.view(), "two");
  EXPECT_THAT(second.metadata, ElementsAre(testing::Pair("x-tenant", "east")));
}

// === Parent ===

TEST_F(RelayTest, LetsItsParentKeepWhatItAnswersFor) {
  Make(AckMode::kParent, true);
  Accept("one");
  Accept("two");
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(worker_.waiting(), 0U) << "nothing is stored here";
  ASSERT_EQ(live_.size(), 2U);
  EXPECT_TRUE(live_.front().keep);
  EXPECT_EQ(live_.front().deadline, loop_.clock().Now() + seconds(10));
  live_.Pop().done({});
  EXPECT_THAT(answers_, ElementsAre(Answer{}));
  live_.Pop().done(Refused());
  EXPECT_EQ(answers_.back(), Refused()) << "as the parent said it";
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->waiting(), 0U);
}

TEST_F(RelayTest, NumbersWhatItsParentKeepsAnewAfterEachStart) {
  const auto number = [this] {
    Make(AckMode::kParent, true);
    Accept();
    return live_.Pop().record->origin;
  };
  const record::Origin first = number();
  EXPECT_EQ(first, (record::Origin{"gw1.example", store_->id(), store_->last_sequence() + 1}));
  relay_.reset();
  Open();
  EXPECT_GT(number().sequence, first.sequence);
}

// === Durable and Memory ===

TEST_F(RelayTest, AnswersOnceTheRecordIsSynced) {
  Make(AckMode::kDurable, true);
  Accept();
  loop_.RunUntilIdle();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(relay_->waiting(), 1U);
  Sync();
  EXPECT_THAT(answers_, ElementsAre(Answer{}));
  EXPECT_EQ(relay_->waiting(), 0U);
  EXPECT_EQ(live_.size(), 0U) << "it goes its own way";
}

TEST_F(RelayTest, AnswersAtOnceAndKeepsAllTheSame) {
  Make(AckMode::kMemory, true);
  const auto uplink = MakeReader();
  Accept("one");
  EXPECT_THAT(answers_, ElementsAre(Answer{}));
  EXPECT_EQ(relay_->waiting(), 1U) << "a kill would lose it";
  Sync();
  EXPECT_EQ(relay_->waiting(), 0U);
  EXPECT_THAT(Read(*uplink), ElementsAre("one"));
  EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(RelayTest, KeepsWhatItAnsweredForThoughTheDiskFailsMeanwhile) {
  Make(AckMode::kMemory, true);
  const auto uplink = MakeReader();
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  Accept("one");
  Sync();
  EXPECT_THAT(answers_, ElementsAre(Answer{}));
  EXPECT_EQ(relay_->waiting(), 1U) << "a kill would lose it";
  Accept("two");
  EXPECT_EQ(answers_.back().code, AnswerCode::kUnavailable) << "nothing more is answered for";
  disk_.FailSyncs(0);
  for (int second = 0; second < 6; ++second) {
    loop_.Advance(seconds(1));
    Sync();
  }
  EXPECT_EQ(relay_->waiting(), 0U);
  EXPECT_THAT(Read(*uplink), ElementsAre("one"));
}

TEST_F(RelayTest, RefusesWhatTheDiskDidNotTakeAndSaysWhenToComeAgain) {
  Make(AckMode::kDurable, true);
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  Accept();
  Sync();
  Accept();
  ASSERT_EQ(answers_.size(), 2U) << "the second at once";
  for (const Answer& answer : answers_) {
    EXPECT_EQ(answer.code, AnswerCode::kUnavailable);
    EXPECT_EQ(answer.retry_after, seconds(5));
  }
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->waiting(), 0U);
}

TEST_F(RelayTest, TellsAClientWhenToComeAgainWhereTheStoreIsFull) {
  max_bytes_ = std::uint64_t{2} << 20;
  Open();
  Make(AckMode::kDurable, true);
  const auto uplink = MakeReader();
  for (int i = 0; i < 30; ++i) {
    Accept(std::string(100'000, 'x'));
    Sync();
  }
  ASSERT_EQ(answers_.size(), 30U);
  EXPECT_EQ(answers_.back().code, AnswerCode::kResourceExhausted);
  EXPECT_GT(answers_.back().retry_after.count(), 0) << "or OTLP clients drop the data";
  EXPECT_GT(relay_metrics_.refused.value(), 0);
}

TEST_F(RelayTest, BearsABackendThatAnswersAtOnce) {
  backends_.OnDeliver([](const record::Record&) { return Answer{}; });
  Make(AckMode::kEndToEnd, false);
  for (int i = 0; i < 10; ++i) Accept();
  EXPECT_EQ(answers_.size(), 10U);
  EXPECT_EQ(budget_.used(), 0U);
}

// === draining, children, counts ===

TEST_F(RelayTest, RefusesASignalThatNobodyTakesAtTheDoor) {
  const Answer nobody{
      .code = AnswerCode::kUnimplemented, .message = "nobody takes traces", .response = {}};
  backends_.OnDeliver([&nobody](const record::Record&) { return nobody; });
  for (const AckMode ack : {AckMode::kEndToEnd, AckMode::kDurable, AckMode::kMemory}) {
    relay_.emplace(Relay::Options{.host = "ms1.example", .ack = ack, .taken = {true, true, false}},
                   budget_, Relay::Ways{.store = *store_, .live = nullptr, .backends = backends_},
                   relay_metrics_);
    answers_.clear();
    Accept();
    EXPECT_THAT(answers_, ElementsAre(nobody)) << "in the backends' words";
    EXPECT_EQ(budget_.used(), 0U);
    EXPECT_EQ(relay_->waiting(), 0U);
  }
  EXPECT_EQ(worker_.waiting(), 0U) << "nothing is kept";
  EXPECT_EQ(relay_metrics_.refused.value(), 3);
}

TEST_F(RelayTest, RefusesOwnClientsWhileItDrainsAndTellsWhenToTryAgain) {
  for (const AckMode ack :
       {AckMode::kEndToEnd, AckMode::kParent, AckMode::kDurable, AckMode::kMemory}) {
    Make(ack, true).Drain();
    answers_.clear();
    Accept();
    ASSERT_EQ(answers_.size(), 1U);
    EXPECT_EQ(answers_[0].code, AnswerCode::kUnavailable);
    EXPECT_GT(answers_[0].retry_after.count(), 0);
    EXPECT_EQ(budget_.used(), 0U);
    EXPECT_EQ(relay_->waiting(), 0U);
  }
  EXPECT_EQ(relay_metrics_.refused.value(), 4);
}

TEST_F(RelayTest, LetsWhatItAcceptedOutWhileItDrains) {
  Make(AckMode::kEndToEnd, false);
  Accept();
  relay_->Drain();
  EXPECT_EQ(relay_->waiting(), 1U);
  backends_.AnswerNext({});
  EXPECT_TRUE(answers_.at(0).ok());
  EXPECT_EQ(relay_->waiting(), 0U);
}

TEST_F(RelayTest, TakesRecordsOfChildrenEvenWhileItDrains) {
  Make(AckMode::kMemory, true).Drain();
  bool answered = false;
  relay_->Deliver(std::make_shared<const record::Record>(), loop_.clock().Now() + seconds(10),
                  [&](const Answer& answer) { answered = answer.ok(); });
  ASSERT_EQ(live_.size(), 1U) << "held for the end's answer, whatever `ack` is for own clients";
  EXPECT_FALSE(live_.front().keep);
  live_.Pop().done({});
  EXPECT_TRUE(answered);
}

TEST_F(RelayTest, CountsWhatItTookInAndHowItWasAnswered) {
  Make(AckMode::kEndToEnd, false);
  Accept("12345");
  Accept("12345");
  backends_.AnswerNext({});
  backends_.AnswerNext(Refused());
  const std::string page = registry_.Render();
  for (const char* line : {"postern_relay_accepted_records_total{signal=\"traces\"} 2",
                           "postern_relay_accepted_bytes_total{signal=\"traces\"} 10",
                           "postern_relay_accepted_records_total{signal=\"logs\"} 0",
                           "postern_relay_answered_records_total{outcome=\"ok\"} 1",
                           "postern_relay_answered_records_total{outcome=\"error\"} 1"}) {
    EXPECT_THAT(page, testing::HasSubstr(line));
  }
}

}  // namespace
}  // namespace postern::relay
