#include "sidecar/link/live_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace postern::link {
namespace {

using base::Instant;
using record::Answer;
using record::AnswerCode;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Instant kStart{std::chrono::hours(1)};

class LiveTest : public testing::Test {
 protected:
  LiveItem Item(const std::string& body, Instant deadline = kStart + seconds(10)) {
    return {.record = std::make_shared<const record::Record>(
                record::Record{.metadata = {}, .origin = {}, .body = base::Bytes::Copy(body)}),
            .deadline = deadline,
            .done = [this, body](const Answer& answer) {
              answers_.push_back(body + (answer.ok() ? " ok" : " " + answer.message));
              last_ = answer;
            }};
  }
  static std::vector<std::string> Bodies(const std::vector<LiveItem>& items) {
    std::vector<std::string> bodies;
    for (const LiveItem& item : items) bodies.emplace_back(item.record->body.view());
    return bodies;
  }
  std::vector<std::string> Drain() {
    std::vector<LiveItem> items;
    while (!queue_.empty()) items.push_back(queue_.Pop());
    return Bodies(items);
  }

  LiveQueue queue_;
  LiveFlight flight_;
  std::vector<std::string> answers_;
  Answer last_;
};

using LiveQueueTest = LiveTest;
using LiveFlightTest = LiveTest;

// === LiveQueue ===

TEST_F(LiveQueueTest, GivesItemsOutInTheirOrderAndCountsTheirBytes) {
  queue_.Push(Item("one"));
  queue_.Push(Item("three"));
  EXPECT_EQ(queue_.bytes(), 8U);
  EXPECT_EQ(queue_.front().record->body.view(), "one");
  EXPECT_THAT(Drain(), ElementsAre("one", "three"));
  EXPECT_EQ(queue_.bytes(), 0U);
}

TEST_F(LiveQueueTest, TellsOfEachPushAndOfWhatIsPutBack) {
  int told = 0;
  queue_.OnPush([&told] { ++told; });
  queue_.Push(Item("a"));
  queue_.Push(Item("b"));
  EXPECT_EQ(told, 2);
  std::vector<LiveItem> back;
  back.push_back(queue_.Pop());
  queue_.PutBack(std::move(back));
  EXPECT_EQ(told, 3);
}

TEST_F(LiveQueueTest, PutsItemsBackInFrontInTheirOrder) {
  queue_.Push(Item("c"));
  std::vector<LiveItem> back;
  back.push_back(Item("a"));
  back.push_back(Item("b"));
  queue_.PutBack(std::move(back));
  EXPECT_EQ(queue_.bytes(), 3U);
  EXPECT_THAT(Drain(), ElementsAre("a", "b", "c"));
}

TEST_F(LiveQueueTest, AnswersWhatIsPastItsDeadlineAndKeepsTheRest) {
  queue_.Push(Item("late", kStart + seconds(1)));
  queue_.Push(Item("early", kStart + seconds(9)));
  queue_.Push(Item("late too", kStart + seconds(2)));
  queue_.Expire(kStart);
  EXPECT_THAT(answers_, IsEmpty());
  queue_.Expire(kStart + seconds(2));
  EXPECT_THAT(answers_, ElementsAre(HasSubstr("late no answer"), HasSubstr("late too no answer")));
  EXPECT_EQ(last_.code, AnswerCode::kUnavailable);
  EXPECT_GT(last_.retry_after.count(), 0);
  EXPECT_EQ(queue_.bytes(), 5U);
  EXPECT_THAT(Drain(), ElementsAre("early"));
}

TEST_F(LiveQueueTest, TellsWhetherALateRecordWasEverSent) {
  queue_.Push(Item("new", kStart));
  queue_.Expire(kStart);
  EXPECT_THAT(answers_.back(), HasSubstr("was not sent"));
  flight_.Add(Item("old", kStart));
  queue_.PutBack(flight_.TakeAll());
  queue_.Expire(kStart);
  EXPECT_THAT(answers_.back(), HasSubstr("outcome is unknown")) << "its first parent may have it";
}

TEST_F(LiveQueueTest, LetsADonePushAgainWhileOthersExpire) {
  LiveItem item = Item("a", kStart);
  item.done = [this](const Answer&) { queue_.Push(Item("again")); };
  queue_.Push(std::move(item));
  queue_.Push(Item("b", kStart));
  queue_.Expire(kStart);
  EXPECT_THAT(answers_, ElementsAre(HasSubstr("b no answer")));
  EXPECT_THAT(Drain(), ElementsAre("again"));
}

// === LiveFlight ===

TEST_F(LiveFlightTest, NumbersItemsFromOne) {
  EXPECT_EQ(flight_.Add(Item("a")), 1U);
  EXPECT_EQ(flight_.Add(Item("b")), 2U);
  EXPECT_TRUE(flight_.Answer(1, 2, {}));
  EXPECT_EQ(flight_.Add(Item("c")), 3U) << "numbers are not used again";
}

TEST_F(LiveFlightTest, AnswersInAnyOrderAndEachOnce) {
  for (const char* body : {"a", "b", "c", "d"}) flight_.Add(Item(body));
  EXPECT_TRUE(flight_.Answer(3, 1, {}));
  EXPECT_TRUE(flight_.Answer(1, 1, {}));
  EXPECT_TRUE(flight_.Answer(1, 4, {})) << "those answered already are passed over";
  EXPECT_THAT(answers_, ElementsAre("c ok", "a ok", "b ok", "d ok"));
  EXPECT_EQ(flight_.unanswered(), 0U);
}

TEST_F(LiveFlightTest, HandsTheAnswerOnWhole) {
  flight_.Add(Item("a"));
  const Answer answer{.code = AnswerCode::kInvalidArgument,
                      .message = "bad",
                      .retry_after = seconds(3),
                      .response = base::Bytes::Copy("partial")};
  EXPECT_TRUE(flight_.Answer(1, 1, answer));
  EXPECT_EQ(last_, answer);
}

TEST_F(LiveFlightTest, RefusesAnAnswerForWhatWasNeverSent) {
  struct Case {
    const char* when;
    std::uint64_t first;
    std::uint64_t count;
    bool then;
  };
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  const Case kCases[] = {
      {"number zero is nobody's", 0, 1, false},
      {"a run of none", 1, 0, false},
      {"the next number is not given yet", 3, 1, false},
      {"a run reaches beyond the last", 2, 2, false},
      {"a run that wraps around", 2, kMost, false},
      {"a number at the end of the range", kMost, 1, false},
      {"a number at the end of the range and a run that wraps", kMost, kMost, false},
      {"both that were sent", 1, 2, true},
  };
  flight_.Add(Item("a"));
  flight_.Add(Item("b"));
  for (const Case& c : kCases) {
    EXPECT_EQ(flight_.Answer(c.first, c.count, {}), c.then) << c.when;
    EXPECT_EQ(answers_.empty(), !c.then) << c.when;
  }
}

TEST_F(LiveFlightTest, GivesBackWhatIsUnansweredInItsOrder) {
  for (const char* body : {"a", "b", "c"}) flight_.Add(Item(body));
  EXPECT_TRUE(flight_.Answer(2, 1, {}));
  EXPECT_THAT(Bodies(flight_.TakeAll()), ElementsAre("a", "c"));
  EXPECT_EQ(flight_.unanswered(), 0U);
  EXPECT_EQ(flight_.next(), 4U);
  EXPECT_TRUE(flight_.Answer(1, 3, {})) << "a late answer for what went elsewhere is no fault";
  EXPECT_THAT(answers_, ElementsAre("b ok"));
}

TEST_F(LiveFlightTest, AnswersADeadlineOnceAndIgnoresTheLateAnswer) {
  flight_.Add(Item("a", kStart + seconds(1)));
  flight_.Add(Item("b", kStart + seconds(9)));
  flight_.Expire(kStart + seconds(1));
  EXPECT_THAT(answers_, ElementsAre(HasSubstr("its outcome is unknown")));
  EXPECT_EQ(last_.code, AnswerCode::kUnavailable);
  EXPECT_TRUE(flight_.Answer(1, 2, {}));
  EXPECT_THAT(answers_, ElementsAre(HasSubstr("a no answer"), "b ok"));
}

TEST_F(LiveFlightTest, FindsOnlyWhatIsUnanswered) {
  flight_.Add(Item("a"));
  flight_.Add(Item("b"));
  EXPECT_TRUE(flight_.Answer(2, 1, {}));
  ASSERT_NE(flight_.Find(1), nullptr);
  EXPECT_EQ(flight_.Find(1)->record->body.view(), "a");
  EXPECT_EQ(flight_.Find(2), nullptr);
  EXPECT_EQ(flight_.Find(3), nullptr);
  EXPECT_EQ(flight_.Find(0), nullptr);
}

TEST_F(LiveFlightTest, BearsADoneThatSendsAgainOrLosesTheLink) {
  LiveItem item = Item("a");
  item.done = [this](const Answer&) { flight_.Add(Item("from within")); };
  flight_.Add(std::move(item));
  LiveItem loses = Item("b");
  std::vector<LiveItem> back;
  loses.done = [this, &back](const Answer&) { back = flight_.TakeAll(); };
  flight_.Add(std::move(loses));
  flight_.Add(Item("c"));
  EXPECT_TRUE(flight_.Answer(1, 3, {}));
  EXPECT_THAT(Bodies(back), ElementsAre("c", "from within"));
  EXPECT_THAT(answers_, IsEmpty()) << "c went elsewhere before its answer was looked at";
}

}  // namespace
}  // namespace postern::link
