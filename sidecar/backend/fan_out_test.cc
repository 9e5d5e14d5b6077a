#include "sidecar/backend/fan_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sidecar/backend/discard_backend.h"
#include "sidecar/backend/testing/bench.h"

namespace postern::backend {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Signal;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr SignalSet kTracesOnly = {.logs = false, .metrics = false, .traces = true};

// Keeps its records until a test answers them.
class HeldBackend final : public Backend {
 public:
  HeldBackend(const std::string& name, SignalSet signals, const BackendEnv& env)
      : Backend({.name = name, .signals = signals}, env) {}
  void Deliver(record::RecordPtr record, base::Instant, record::Done done) override {
    held_.emplace_back(std::move(record), std::move(done));
  }
  void AnswerAll(const Answer& answer) {
    for (const auto& [record, done] : std::exchange(held_, {})) Settle(*record, answer, done);
  }
  std::size_t held() const { return held_.size(); }

 private:
  std::vector<std::pair<record::RecordPtr, record::Done>> held_;
};

Answer Refusal(AnswerCode code, const std::string& message = "no",
               std::chrono::milliseconds retry_after = 0ms) {
  return {.code = code, .message = message, .retry_after = retry_after, .response = {}};
}

Answer Partial(const std::string& response) {
  return {.message = {}, .response = base::Bytes::Copy(response)};
}

TEST(Heavier, ChoosesWhatTheClientHasToActOn) {
  const struct {
    const char* when = "";
    Answer first;
    Answer second;
    bool second_wins = false;
  } kCases[] = {
      {"both took it", {}, {}, false},
      {"only the second was partial", {}, Partial("b"), true},
      {"both were partial", Partial("a"), Partial("b"), false},
      {"a fault of the body outweighs OK", {}, Refusal(AnswerCode::kInvalidArgument), true},
      {"OK does not outweigh a fault", Refusal(AnswerCode::kInvalidArgument), Partial("b"), false},
      {"trying again outweighs a fault of the body", Refusal(AnswerCode::kInvalidArgument),
       Refusal(AnswerCode::kUnavailable), true},
      {"trying again outweighs a bad token", Refusal(AnswerCode::kUnauthenticated),
       Refusal(AnswerCode::kAborted), true},
      {"a bad token outweighs a fault of the body", Refusal(AnswerCode::kInvalidArgument),
       Refusal(AnswerCode::kPermissionDenied), true},
      {"the first of two that pass later", Refusal(AnswerCode::kUnavailable, "a"),
       Refusal(AnswerCode::kDataLoss, "b"), false},
      {"exhausted with a time passes later", Refusal(AnswerCode::kInternal),
       Refusal(AnswerCode::kResourceExhausted, "slow", 10ms), true},
      {"exhausted without one makes clients drop", Refusal(AnswerCode::kResourceExhausted),
       Refusal(AnswerCode::kUnavailable), true},
  };
  for (const auto& row : kCases) {
    EXPECT_EQ(Heavier(row.first, row.second), row.second_wins ? row.second : row.first) << row.when;
  }
}

TEST(Heavier, DoesNotCareForOrderBetweenWeights) {
  const Answer kByWeight[] = {Partial("a"), Refusal(AnswerCode::kInvalidArgument),
                              Refusal(AnswerCode::kInternal), Refusal(AnswerCode::kUnavailable)};
  for (const Answer& a : kByWeight) {
    for (const Answer& b : kByWeight) EXPECT_EQ(Heavier(a, b), Heavier(b, a));
  }
}

struct Two {
  explicit Two(Bench& bench, SignalSet second_signals = {})
      : first("a", SignalSet(), bench.env()), second("b", second_signals, bench.env()) {}

  HeldBackend first;
  HeldBackend second;
  HeldBackend* a = &first;
  HeldBackend* b = &second;
  std::unique_ptr<FanOut> all = std::make_unique<FanOut>(std::vector<Backend*>{a, b});
};

TEST(FanOut, AnswersWhenTheLastBackendHas) {
  Bench bench;
  const Two two(bench);
  two.all->Deliver(MakeRecord("x"), bench.In(1s), bench.Taker());
  two.b->AnswerAll(Partial("b"));
  EXPECT_THAT(bench.answers(), IsEmpty());
  two.a->AnswerAll({});
  ASSERT_THAT(bench.answers(), SizeIs(1));
  EXPECT_EQ(bench.answers()[0], Partial("b"));
}

TEST(FanOut, TellsTheWorstAnswer) {
  Bench bench;
  const Two two(bench);
  two.all->Deliver(MakeRecord("x"), bench.In(1s), bench.Taker());
  two.a->AnswerAll(Refusal(AnswerCode::kInvalidArgument));
  two.b->AnswerAll(Refusal(AnswerCode::kUnavailable, "b is down"));
  ASSERT_THAT(bench.answers(), SizeIs(1));
  EXPECT_EQ(bench.answers()[0].message, "b is down");
}

TEST(FanOut, GivesARecordOnlyToBackendsOfItsSignal) {
  Bench bench;
  const Two two(bench, kTracesOnly);
  two.all->Deliver(MakeRecord("x", Signal::kLogs), bench.In(1s), bench.Taker());
  EXPECT_EQ(two.a->held(), 1U);
  EXPECT_EQ(two.b->held(), 0U);
  two.all->Deliver(MakeRecord("y", Signal::kTraces), bench.In(1s), bench.Taker());
  EXPECT_EQ(two.a->held(), 2U);
  EXPECT_EQ(two.b->held(), 1U);
}

TEST(FanOut, RefusesASignalThatNobodyTakes) {
  Bench bench;
  DiscardBackend traces({.name = "t", .signals = kTracesOnly}, bench.env());
  FanOut all({&traces});
  EXPECT_FALSE(all.accepts(Signal::kMetrics));
  all.Deliver(MakeRecord("x", Signal::kMetrics), bench.In(1s), bench.Taker());
  ASSERT_THAT(bench.answers(), SizeIs(1));
  EXPECT_EQ(bench.answers()[0].code, AnswerCode::kUnimplemented);
  EXPECT_THAT(bench.answers()[0].message, HasSubstr("takes metrics"));
}

}  // namespace
}  // namespace postern::backend
