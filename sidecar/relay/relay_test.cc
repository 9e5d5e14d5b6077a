#include "sidecar/relay/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/base/testing/manual_loop.h"
#include "sidecar/link/testing/script_sink.h"
#include "sidecar/relay/testing/memory_outbox.h"

namespace postern::relay {
namespace {

using link::ScriptSink;
using record::Answer;
using record::AnswerCode;
using record::Signal;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class RelayTest : public testing::Test {
 protected:
  Relay& Make(AckMode ack, bool has_parent) {
    return relay_.emplace(
        loop_,
        Relay::Options{.host = "gw1.example", .store = {1}, .ack = ack, .has_parent = has_parent},
        budget_, outbox_, backends_, metrics_);
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

  base::ManualLoop loop_;
  record::MemoryBudget budget_{1'000};
  MemoryOutbox kept_{budget_};
  link::Outbox& outbox_ = kept_.outbox;
  ScriptSink backends_;
  metrics::Registry registry_{"test"};
  RelayMetrics metrics_{registry_};
  std::vector<Answer> answers_;
  std::optional<Relay> relay_;
};

// === EndToEnd ===

TEST_F(RelayTest, HoldsTheClientAndItsBytesUntilTheBackendAnswers) {
  Make(AckMode::kEndToEnd, false);
  Accept();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(budget_.used(), 10U);
  EXPECT_EQ(relay_->Undelivered(), 1U);
  backends_.AnswerNext(Refused());
  EXPECT_THAT(answers_, ElementsAre(Refused())) << "as the backend said it";
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->Undelivered(), 0U);
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
  ASSERT_EQ(outbox_.live.size(), 1U);
  EXPECT_EQ(outbox_.live.front().deadline, loop_.clock().Now() + seconds(10));
  outbox_.live.Pop().done({});
  EXPECT_TRUE(answers_.at(0).ok());
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->Undelivered(), 0U);
}

TEST_F(RelayTest, NamesItselfAsTheOriginAndCounts) {
  Make(AckMode::kEndToEnd, false);
  Accept("one");
  Accept("two");
  const record::Record& second = *backends_.delivered().at(1);
  EXPECT_EQ(second.origin, (record::Origin{.member = "gw1.example", .store = {1}, .sequence = 2}));
  EXPECT_EQ(second.signal, Signal::kTraces);
  EXPECT_EQ(second.hops, 0);
  EXPECT_EQ(second.body.view(), "two");
  EXPECT_THAT(second.metadata, ElementsAre(testing::Pair("x-tenant", "east")));
}

// === Memory ===

TEST_F(RelayTest, AnswersAtOnceAndKeepsTheBytesUntilTheParentAcknowledges) {
  Make(AckMode::kMemory, true);
  Accept();
  Accept();
  EXPECT_THAT(answers_, ElementsAre(Answer{}, Answer{}));
  EXPECT_EQ(budget_.used(), 20U);
  EXPECT_EQ(relay_->Undelivered(), 2U);
  outbox_.stored.Advance();
  outbox_.stored.Advance();
  EXPECT_EQ(budget_.used(), 20U) << "sent is not acknowledged";
  ASSERT_TRUE(outbox_.stored.Acknowledge(1));
  EXPECT_EQ(budget_.used(), 10U);
  ASSERT_TRUE(outbox_.stored.Acknowledge(2));
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->Undelivered(), 0U);
}

TEST_F(RelayTest, KeepsARecordUntilItsBackendTakesIt) {
  Make(AckMode::kMemory, false);
  Accept();
  EXPECT_THAT(answers_, ElementsAre(Answer{}));
  backends_.AnswerNext(Refused());
  EXPECT_EQ(budget_.used(), 10U);
  EXPECT_EQ(relay_->Undelivered(), 1U);
  loop_.Advance(seconds(3));
  backends_.AnswerNext({});
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->Undelivered(), 0U);
  EXPECT_EQ(backends_.delivered().size(), 2U);
}

TEST_F(RelayTest, CountsAKeptRecordThatLeavesForAFaultOfItsBody) {
  Make(AckMode::kMemory, false);
  Accept();
  backends_.AnswerNext({.code = AnswerCode::kInvalidArgument, .message = "bad", .response = {}});
  EXPECT_EQ(metrics_.rejected.value(), 1);
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_EQ(relay_->Undelivered(), 0U);
}

TEST_F(RelayTest, BearsABackendThatAnswersAtOnce) {
  backends_.OnDeliver([](const record::Record&) { return Answer{}; });
  for (const AckMode ack : {AckMode::kEndToEnd, AckMode::kMemory}) {
    Make(ack, false);
    answers_.clear();
    for (int i = 0; i < 10; ++i) Accept();
    EXPECT_EQ(answers_.size(), 10U);
    EXPECT_EQ(budget_.used(), 0U);
  }
}

// === draining, children, counts ===

TEST_F(RelayTest, RefusesOwnClientsWhileItDrainsAndTellsWhenToTryAgain) {
  for (const AckMode ack : {AckMode::kEndToEnd, AckMode::kMemory}) {
    Make(ack, true).Drain();
    answers_.clear();
    Accept();
    ASSERT_EQ(answers_.size(), 1U);
    EXPECT_EQ(answers_[0].code, AnswerCode::kUnavailable);
    EXPECT_GT(answers_[0].retry_after.count(), 0);
    EXPECT_EQ(budget_.used(), 0U);
    EXPECT_EQ(relay_->Undelivered(), 0U);
  }
  EXPECT_EQ(metrics_.refused.value(), 2);
}

TEST_F(RelayTest, LetsWhatItAcceptedOutWhileItDrains) {
  Make(AckMode::kEndToEnd, false);
  Accept();
  relay_->Drain();
  EXPECT_EQ(relay_->Undelivered(), 1U);
  backends_.AnswerNext({});
  EXPECT_TRUE(answers_.at(0).ok());
  EXPECT_EQ(relay_->Undelivered(), 0U);
}

TEST_F(RelayTest, TakesRecordsOfChildrenEvenWhileItDrains) {
  Make(AckMode::kMemory, true).Drain();
  bool answered = false;
  relay_->Deliver(std::make_shared<const record::Record>(), loop_.clock().Now() + seconds(10),
                  [&](const Answer& answer) { answered = answer.ok(); });
  ASSERT_EQ(outbox_.live.size(), 1U)
      << "held for the end's answer, whatever `ack` is for own clients";
  outbox_.live.Pop().done({});
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
