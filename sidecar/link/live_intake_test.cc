#include "sidecar/link/live_intake.h"

#include <gmock/gmock.h>

#include "sidecar/link/testing/script_sink.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::link {
namespace {

using record::Answer;
using record::AnswerCode;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class LiveIntakeTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    Open();
    MakeIntake();
  }
  ~LiveIntakeTest() override { intake_.reset(); }
  void MakeIntake() {
    intake_ = std::make_unique<LiveIntake>(
        loop_, sink_, *store_, "gw1.child",
        LiveIntake::Hooks{.on_answer = [this] { ++to_flush_; },
                          .tell = [this](const lane::LiveAck& ack) { told_.push_back(ack); }});
  }
  // Takes a batch, whose hold counts in `released_`.
  void Take(const std::vector<std::uint64_t>& numbers, bool keep, std::size_t size = 10) {
    std::vector<lane::UnpackedRecord> records;
    for (const std::uint64_t number : numbers) {
      records.push_back({.number = number,
                         .lead = 5000,
                         .record = {.metadata = {},
                                    .origin = {"gw1.child", {7}, number},
                                    .body = base::Bytes::Copy(std::string(size, 'x'))}});
    }
    intake_->Take(std::move(records), keep,
                  {this, [](LiveIntakeTest* test) { ++test->released_; }});
  }
  std::vector<lane::LiveAck> Flushed() {
    intake_->Flush();
    return std::exchange(told_, {});
  }

  ScriptSink sink_;
  int to_flush_ = 0;
  int released_ = 0;
  std::vector<lane::LiveAck> told_;
  std::unique_ptr<LiveIntake> intake_;
};

TEST_F(LiveIntakeTest, AnswersForWhatItKeepsAfterTheSyncAndNotFromTheEnd) {
  const auto reader = MakeReader();
  Take({1, 2}, true);
  loop_.RunUntilIdle();
  EXPECT_THAT(Flushed(), IsEmpty());
  EXPECT_EQ(intake_->unanswered(), 2U);
  EXPECT_EQ(released_, 0);
  Sync();
  EXPECT_GT(to_flush_, 0);
  EXPECT_THAT(Flushed(), ElementsAre(lane::LiveAck{.first = 1, .count = 2, .answer = {}}));
  EXPECT_EQ(released_, 1);
  EXPECT_EQ(intake_->unanswered(), 0U);
  EXPECT_THAT(sink_.delivered(), IsEmpty());
  ASSERT_NE(reader->Peek(), nullptr);
  EXPECT_EQ(reader->Peek()->record->origin, (record::Origin{"gw1.child", {7}, 1}));
  EXPECT_EQ(store_->SyncedMark({"gw1.child", {7}}).sequence, 0U) << "it is no stored record";
}

TEST_F(LiveIntakeTest, DeliversTheOthersAndAnswersFromTheEnd) {
  Take({1}, false);
  ASSERT_EQ(sink_.held().size(), 1U);
  EXPECT_EQ(sink_.held()[0].deadline, loop_.clock().Now() + seconds(5));
  EXPECT_EQ(worker_.waiting(), 0U);
  sink_.AnswerNext({.code = AnswerCode::kAborted, .message = "busy", .response = {}});
  ASSERT_EQ(Flushed().size(), 1U);
  EXPECT_EQ(released_, 1);
}

TEST_F(LiveIntakeTest, TellsAChildWhenToComeAgainWhereItsDiskFails) {
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  Take({1}, true);
  Sync();
  Take({2}, true);  // at once
  const std::vector<lane::LiveAck> told = Flushed();
  ASSERT_FALSE(told.empty());
  for (const lane::LiveAck& ack : told) {
    EXPECT_EQ(ack.answer.code, AnswerCode::kUnavailable);
    EXPECT_EQ(ack.answer.retry_after, seconds(5));
  }
  EXPECT_EQ(released_, 2);
  EXPECT_EQ(intake_->unanswered(), 0U);
}

TEST_F(LiveIntakeTest, TellsAChildWhenToComeAgainWhereTheLogIsFull) {
  max_bytes_ = std::uint64_t{2} << 20;
  intake_.reset();
  Open();
  MakeIntake();
  const auto reader = MakeReader();
  for (std::uint64_t number = 1; number <= 30; ++number) {
    Take({number}, true, 100'000);
    Sync();
  }
  const Answer last = Flushed().back().answer;
  EXPECT_EQ(last.code, AnswerCode::kResourceExhausted);
  EXPECT_GT(last.retry_after.count(), 0) << "or OTLP clients drop the data";
  EXPECT_EQ(intake_->unanswered(), 0U);
}

TEST_F(LiveIntakeTest, KeepsWhatItTookThoughItsLinkIsGone) {
  const auto reader = MakeReader();
  Take({1}, true);
  intake_.reset();
  Sync();
  EXPECT_EQ(released_, 1);
  EXPECT_NE(reader->Peek(), nullptr);
}

}  // namespace
}  // namespace postern::link
