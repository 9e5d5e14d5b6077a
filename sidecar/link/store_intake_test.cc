#include "sidecar/link/store_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "lib/base/testing/manual_loop.h"
#include "sidecar/link/testing/script_sink.h"

namespace postern::link {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Signal;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

lane::UnpackedRecord Unpacked(std::uint64_t number, Signal signal = Signal::kLogs) {
  return {.number = number,
          .lead = 0,
          .record = {.signal = signal,
                     .metadata = {},
                     .origin = {.member = "gw1.example", .sequence = number},
                     .body = base::Bytes::Copy("body " + std::to_string(number))}};
}

class StoreIntakeTest : public testing::Test {
 protected:
  std::uint64_t Begin() {
    return intake_.Begin([this](std::uint64_t through) { acks_.push_back(through); });
  }
  // Takes records of one batch, whose hold counts in `released_`.
  bool Take(std::uint64_t session, const std::vector<std::uint64_t>& numbers,
            Signal signal = Signal::kLogs) {
    std::vector<lane::UnpackedRecord> records;
    for (const std::uint64_t number : numbers) records.push_back(Unpacked(number, signal));
    return intake_.Take(session, std::move(records), MakeHold());
  }
  StoreIntake::Hold MakeHold() {
    return StoreIntake::Hold(this, [](StoreIntakeTest* test) { ++test->released_; });
  }
  std::vector<std::uint64_t> Delivered() const {
    std::vector<std::uint64_t> numbers;
    for (const record::RecordPtr& record : sink_.delivered())
      numbers.push_back(record->origin.sequence);
    return numbers;
  }
  static Answer Failed(AnswerCode code, base::Duration retry_after = seconds(0)) {
    return {.code = code,
            .message = "why not",
            .retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(retry_after),
            .response = {}};
  }

  base::ManualLoop loop_;
  ScriptSink sink_;
  std::vector<std::uint64_t> acks_;
  std::vector<std::string> rejected_;
  int released_ = 0;
  StoreIntake intake_{
      loop_, sink_, [this](const record::Record& record, const Answer& answer) {
        rejected_.push_back(std::to_string(record.origin.sequence) + ": " + answer.message);
      }};
};

TEST_F(StoreIntakeTest, DeliversOneAfterTheOtherAndAcknowledgesEach) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1, 2, 3}));
  EXPECT_THAT(Delivered(), ElementsAre(1)) << "the next waits for the answer: order";
  EXPECT_EQ(intake_.mark(), 3U);
  sink_.AnswerNext({});
  sink_.AnswerNext({});
  EXPECT_THAT(Delivered(), ElementsAre(1, 2, 3));
  EXPECT_THAT(acks_, ElementsAre(1, 2));
  EXPECT_EQ(intake_.floor(), 2U);
  EXPECT_EQ(released_, 0) << "the batch's last record is not done";
  sink_.AnswerNext({});
  EXPECT_THAT(acks_, ElementsAre(1, 2, 3));
  EXPECT_EQ(released_, 1);
  EXPECT_TRUE(intake_.idle());
}

TEST_F(StoreIntakeTest, BearsASinkThatAnswersBeforeItReturns) {
  sink_.OnDeliver([](const record::Record&) { return Answer{}; });
  std::vector<std::uint64_t> numbers(20'000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i + 1;
  ASSERT_TRUE(Take(Begin(), numbers));
  EXPECT_EQ(Delivered(), numbers);
  EXPECT_EQ(acks_.back(), 20'000U);
  EXPECT_EQ(released_, 1);
}

TEST_F(StoreIntakeTest, KeepsTheOrderOfEachSignalAndHoldsNoneUpForAnother) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1, 2}, Signal::kLogs));
  ASSERT_TRUE(Take(session, {3}, Signal::kMetrics));
  ASSERT_TRUE(Take(session, {4}, Signal::kTraces));
  EXPECT_THAT(Delivered(), ElementsAre(1, 3, 4));
}

TEST_F(StoreIntakeTest, AcknowledgesOnlyWhatIsDoneWithoutAGap) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1}, Signal::kLogs));
  ASSERT_TRUE(Take(session, {2}, Signal::kMetrics));
  ASSERT_TRUE(Take(session, {3}, Signal::kTraces));
  sink_.AnswerAt(1, {});
  sink_.AnswerAt(1, {});
  EXPECT_THAT(acks_, IsEmpty());
  EXPECT_EQ(released_, 2);
  sink_.AnswerNext({});
  EXPECT_THAT(acks_, ElementsAre(3));
}

TEST_F(StoreIntakeTest, TakesSequencesWithGaps) {
  ASSERT_TRUE(Take(Begin(), {5, 9}));
  sink_.AnswerNext({});
  sink_.AnswerNext({});
  EXPECT_THAT(acks_, ElementsAre(5, 9));
}

// === sessions and marks ===

TEST_F(StoreIntakeTest, SkipsWhatItHas) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1, 2, 3}));
  ASSERT_TRUE(Take(session, {2, 3, 4}));
  for (int i = 0; i < 4; ++i) sink_.AnswerNext({});
  EXPECT_THAT(Delivered(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(released_, 2);
}

TEST_F(StoreIntakeTest, GivesABatchOfRepeatsBackAtOnce) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1}));
  ASSERT_TRUE(Take(session, {1}));
  EXPECT_EQ(released_, 1);
}

TEST_F(StoreIntakeTest, DiscardsTheFramesOfASessionThatANewerHelloEnded) {
  const std::uint64_t old = Begin();
  ASSERT_TRUE(Take(old, {1}));
  const std::uint64_t now = Begin();
  EXPECT_NE(now, old);
  EXPECT_FALSE(Take(old, {2}));
  EXPECT_EQ(intake_.mark(), 1U);
  EXPECT_EQ(released_, 1) << "the discarded batch";
  EXPECT_TRUE(Take(now, {2}));
  EXPECT_EQ(intake_.mark(), 2U);
}

TEST_F(StoreIntakeTest, AcknowledgesToTheNewestSession) {
  std::vector<std::uint64_t> former;
  const std::uint64_t old = intake_.Begin([&former](std::uint64_t t) { former.push_back(t); });
  ASSERT_TRUE(Take(old, {1}));
  Begin();
  intake_.End(old);
  EXPECT_TRUE(intake_.connected()) << "the end of the old link is not the end of the new one";
  sink_.AnswerNext({});
  EXPECT_THAT(former, IsEmpty());
  EXPECT_THAT(acks_, ElementsAre(1));
}

TEST_F(StoreIntakeTest, DeliversOnWhileNoLinkIsThere) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1, 2}));
  intake_.End(session);
  EXPECT_FALSE(intake_.connected());
  sink_.AnswerNext({});
  sink_.AnswerNext({});
  EXPECT_THAT(acks_, IsEmpty());
  EXPECT_EQ(intake_.floor(), 2U);
  EXPECT_EQ(released_, 1);
}

// === answers ===

TEST_F(StoreIntakeTest, JudgesEachAnswerByWhoseFaultItIs) {
  struct Case {
    const char* when;
    AnswerCode code;
    bool then_again;
  };
  const Case kCases[] = {
      {"the body is at fault", AnswerCode::kInvalidArgument, false},
      {"the backend is away", AnswerCode::kUnavailable, true},
      {"the backend is full", AnswerCode::kResourceExhausted, true},
      {"a token has expired", AnswerCode::kUnauthenticated, true},
      {"a right is missing", AnswerCode::kPermissionDenied, true},
      {"it took too long", AnswerCode::kDeadlineExceeded, true},
      {"a path is wrong", AnswerCode::kNotFound, true},
      {"a service is not there", AnswerCode::kUnimplemented, true},
      {"the backend has a bug", AnswerCode::kInternal, true},
      {"the backend lost data", AnswerCode::kDataLoss, true},
      {"nobody knows", AnswerCode::kUnknown, true},
      {"a code that we do not know", static_cast<AnswerCode>(99), true},
  };
  const std::uint64_t session = Begin();
  std::uint64_t number = 0;
  for (const Case& c : kCases) {
    ASSERT_TRUE(Take(session, {++number}));
    const std::size_t before = sink_.delivered().size();
    sink_.AnswerNext(Failed(c.code));
    loop_.Advance(minutes(2));
    EXPECT_EQ(sink_.delivered().size() > before, c.then_again) << c.when;
    sink_.AnswerAll({});
    EXPECT_EQ(intake_.floor(), number) << c.when;
  }
  EXPECT_THAT(rejected_, ElementsAre("1: why not"));
}

TEST_F(StoreIntakeTest, AcknowledgesARejectedRecordAndGoesOn) {
  ASSERT_TRUE(Take(Begin(), {1, 2}));
  sink_.AnswerNext(Failed(AnswerCode::kInvalidArgument));
  EXPECT_THAT(rejected_, ElementsAre("1: why not"));
  EXPECT_THAT(acks_, ElementsAre(1));
  EXPECT_THAT(Delivered(), ElementsAre(1, 2));
}

TEST_F(StoreIntakeTest, TriesEverSlowerAndNeverGivesUp) {
  ASSERT_TRUE(Take(Begin(), {1, 2}));
  std::vector<base::Duration> waits;
  for (int i = 0; i < 12; ++i) {
    const std::size_t before = sink_.delivered().size();
    sink_.AnswerNext(Failed(AnswerCode::kUnavailable));
    const base::Instant since = loop_.clock().Now();
    while (sink_.delivered().size() == before) loop_.Advance(std::chrono::milliseconds(10));
    waits.push_back(loop_.clock().Now() - since);
  }
  EXPECT_LE(waits.front(), std::chrono::milliseconds(110));
  EXPECT_GE(waits.back(), seconds(15));
  EXPECT_LE(waits.back(), seconds(31));
  sink_.AnswerNext({});
  EXPECT_EQ(Delivered().back(), 2U);
  EXPECT_THAT(acks_, ElementsAre(1));
  const base::Instant since = loop_.clock().Now();
  sink_.AnswerNext(Failed(AnswerCode::kUnavailable));
  while (sink_.held().empty()) loop_.Advance(std::chrono::milliseconds(10));
  EXPECT_LE(loop_.clock().Now() - since, std::chrono::milliseconds(110)) << "it starts anew";
}

TEST_F(StoreIntakeTest, WaitsAtLeastAsLongAsTheBackendAsks) {
  ASSERT_TRUE(Take(Begin(), {1}));
  sink_.AnswerNext(Failed(AnswerCode::kResourceExhausted, seconds(20)));
  loop_.Advance(seconds(19));
  EXPECT_TRUE(sink_.held().empty());
  loop_.Advance(seconds(1));
  EXPECT_EQ(sink_.held().size(), 1U);
}

TEST_F(StoreIntakeTest, SendsNothingPastARecordThatIsRetried) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1}));
  sink_.AnswerNext(Failed(AnswerCode::kUnavailable));
  ASSERT_TRUE(Take(session, {2}));
  EXPECT_THAT(Delivered(), ElementsAre(1));
  loop_.Advance(seconds(1));
  EXPECT_THAT(Delivered(), ElementsAre(1, 1));
  EXPECT_EQ(released_, 0);
}

TEST(StoreIntake, LetsALateAnswerComeAfterItIsGone) {
  base::ManualLoop loop;
  ScriptSink sink;
  {
    StoreIntake intake(loop, sink, [](const record::Record&, const Answer&) {});
    std::vector<lane::UnpackedRecord> records;
    records.push_back(Unpacked(1));
    ASSERT_TRUE(intake.Take(intake.Begin([](std::uint64_t) {}), std::move(records), nullptr));
  }
  sink.AnswerNext({});
}

// === at random: in order for each signal, each once, holds given back once ===

TEST_F(StoreIntakeTest, DeliversEachRecordOnceInOrderAcrossSessionsAndFailures) {
  std::mt19937 random(7);
  std::uint64_t sent = 0;
  std::uint64_t session = Begin();
  int holds = 0;
  std::array<std::uint64_t, 3> done{};
  const auto answer_one = [&](bool always_ok) {
    if (sink_.held().empty()) return;
    const std::size_t at = random() % sink_.held().size();
    const record::RecordPtr record = sink_.held()[at].record;
    if (!always_ok && random() % 4 == 0)
      return sink_.AnswerAt(at, Failed(AnswerCode::kUnavailable));
    std::uint64_t& last = done[static_cast<std::size_t>(record->signal)];
    ASSERT_GT(record->origin.sequence, last) << "in order, and once";
    last = record->origin.sequence;
    sink_.AnswerAt(at, {});
  };
  for (int i = 0; i < 5'000; ++i) {
    if (random() % 50 == 0) {  // a link is lost with what was on its way
      session = Begin();
      sent = intake_.mark();
    }
    if (random() % 3 == 0) {
      ++holds;
      std::vector<lane::UnpackedRecord> records;
      for (unsigned n = random() % 4 + 1; n > 0; --n) {
        records.push_back(Unpacked(++sent, static_cast<Signal>(random() % 3)));
      }
      ASSERT_TRUE(intake_.Take(session, std::move(records), MakeHold()));
    }
    answer_one(false);
    if (HasFatalFailure()) return;
    loop_.Advance(std::chrono::milliseconds(random() % 20));
  }
  for (int i = 0; i < 100'000 && !intake_.idle(); ++i) {
    answer_one(true);
    loop_.Advance(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(intake_.idle());
  EXPECT_EQ(intake_.floor(), sent);
  EXPECT_EQ(released_, holds);
  EXPECT_TRUE(std::is_sorted(acks_.begin(), acks_.end()));
}

}  // namespace
}  // namespace postern::link
