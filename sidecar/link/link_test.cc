// Uplink and LinkServer together: what docs/link-protocol.md promises, over real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "sidecar/link/testing/gate.h"
#include "sidecar/link/testing/sites.h"

namespace postern::link {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Record;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kChild = "gw1.example";

class LinkTest : public testing::Test {
 protected:
  bool Connected(const ChildSite& child) {
    return world_.RunUntil([&child] { return child.uplink->connected(); });
  }
  base::Instant In(base::Duration time) const { return world_.clock.Now() + time; }
  static void AnswerAtOnce(ParentSite& parent) {
    parent.sink.OnDeliver([](const Record&) { return Answer{}; });
  }
  static std::vector<std::uint64_t> Numbers(const ScriptSink& sink) {
    std::vector<std::uint64_t> numbers;
    for (const record::RecordPtr& record : sink.delivered())
      numbers.push_back(ChildSite::Number(*record));
    return numbers;
  }
  static std::vector<std::uint64_t> UpTo(std::uint64_t last) {
    std::vector<std::uint64_t> numbers(last);
    std::iota(numbers.begin(), numbers.end(), 1U);
    return numbers;
  }

  LinkWorld world_;
};

// === records and their answers ===

TEST_F(LinkTest, CarriesARecordUpAndItsAnswerBack) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  std::vector<Answer> answers;
  child.Ask(In(seconds(10)), 1, [&](const Answer& answer) { answers.push_back(answer); });
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  const Record& record = *parent.sink.delivered()[0];
  EXPECT_EQ(record.hops, 1);
  EXPECT_EQ(record.origin.member, kChild);
  EXPECT_EQ(record.body, ChildSite::MakeRecord(1, 100)->body);
  EXPECT_LE(parent.sink.held()[0].deadline, In(seconds(10)));
  EXPECT_GE(parent.sink.held()[0].deadline, In(seconds(8)));
  const Answer partial{
      .code = AnswerCode::kOk, .message = {}, .response = base::Bytes::Copy("partial")};
  parent.sink.AnswerNext(partial);
  ASSERT_TRUE(world_.RunUntil([&] { return !answers.empty(); }));
  EXPECT_THAT(answers, testing::ElementsAre(partial));
}

TEST_F(LinkTest, AnswersOnceTheParentKeepsARecordWhateverBecomesOfIt) {
  ParentSite parent(world_, {kChild});
  parent.disk().at_once = false;
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  int kept = 0;
  int ended = 0;
  const auto count = [](int& to) { return [&to](const Answer& answer) { to += answer.ok(); }; };
  child.AskToKeep(In(seconds(10)), 1, count(kept));
  child.Ask(In(seconds(10)), 2, count(ended));
  child.AskToKeep(In(seconds(10)), 3, count(kept));
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  EXPECT_EQ(ChildSite::Number(*parent.sink.held()[0].record), 2U);
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->unanswered() == 3; }));
  EXPECT_EQ(kept, 0) << "nothing is synced";
  ASSERT_TRUE(world_.RunUntil([&] {
    while (parent.disk().RunOne()) {
    }
    return kept == 2;
  }));
  EXPECT_EQ(ended, 0) << "the end has not answered";
  parent.sink.AnswerNext({});
  ASSERT_TRUE(world_.RunUntil([&] { return ended == 1; }));
}

TEST_F(LinkTest, OffersARecordToTheNextParentUntilOneKeepsIt) {
  ParentSite parent(world_, {kChild});
  parent.disk().at_once = false;
  Gate gate(world_.env, parent.port());
  ParentSite other(world_, {kChild});
  ChildSite child(world_, kChild, {gate.port(), other.port()}, world_.Identity(kChild));
  child.uplink->Start();
  std::vector<Answer> answers;
  child.AskToKeep(In(seconds(60)), 1, [&](const Answer& answer) { answers.push_back(answer); });
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->unanswered() == 1; }));
  gate.Stall(true);
  gate.Cut();
  ASSERT_TRUE(world_.RunUntil(
      [&] {
        world_.Pass(milliseconds(100));
        return !answers.empty();
      },
      seconds(50)));
  EXPECT_TRUE(answers[0].ok());
  ASSERT_EQ(other.sink.delivered().size(), 1U) << "kept there, and passed on";
  EXPECT_TRUE(other.sink.delivered()[0]->possible_repeat);
  EXPECT_EQ(other.sink.delivered()[0]->origin.member, kChild);
  parent.disk().at_once = true;
}

TEST_F(LinkTest, MatchesTenThousandAnswersOfAnyOrderToTheirRecords) {
  constexpr std::uint64_t kCount = 10'000;
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  std::mt19937 random(3);
  std::vector<int> answered(kCount + 1);
  std::uint64_t wrong = 0;
  std::uint64_t count = 0;
  std::uint64_t next = 1;
  const auto ask = [&](std::uint64_t number) {
    // Mostly small, some up to 300 KB.
    const std::size_t size = random() % 20 == 0 ? random() % 300'000 : random() % 2'000;
    child.Ask(
        In(seconds(300)), number,
        [&, number](const Answer& answer) {
          ++answered[number];
          ++count;
          wrong += answer.message != std::to_string(number) ? 1U : 0U;
        },
        size);
  };
  const auto step = [&] {
    while (next <= kCount && child.outbox.live.size() < 200) ask(next++);
    for (std::size_t n = parent.sink.held().size() / 2 + 1; n > 0 && !parent.sink.held().empty();
         --n) {
      const std::size_t at = random() % parent.sink.held().size();
      const std::uint64_t number = ChildSite::Number(*parent.sink.held()[at].record);
      parent.sink.AnswerAt(
          at, {.code = AnswerCode::kAborted, .message = std::to_string(number), .response = {}});
    }
    return count == kCount;
  };
  ASSERT_TRUE(world_.RunUntil(step, seconds(50))) << count;
  EXPECT_EQ(wrong, 0U);
  EXPECT_TRUE(std::all_of(answered.begin() + 1, answered.end(), [](int n) { return n == 1; }));
  EXPECT_EQ(parent.server->unanswered(), 0U);
}

TEST_F(LinkTest, AnswersADeadlineOnceAndIgnoresTheLateAnswer) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  std::vector<Answer> answers;
  child.Ask(In(seconds(2)), 1, [&](const Answer& answer) { answers.push_back(answer); });
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  world_.Pass(seconds(3));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].code, AnswerCode::kUnavailable);
  EXPECT_THAT(answers[0].message, HasSubstr("outcome is unknown"));
  parent.sink.AnswerNext({});
  child.Ask(In(seconds(10)), 2, [&](const Answer& answer) { answers.push_back(answer); });
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  parent.sink.AnswerNext({});
  ASSERT_TRUE(world_.RunUntil([&] { return answers.size() > 1; }));
  EXPECT_TRUE(answers[1].ok()) << "the late answer was not taken for the next record's";
  EXPECT_EQ(answers.size(), 2U);
}

TEST_F(LinkTest, OffersAnUnansweredRecordToTheNextLink) {
  ParentSite parent(world_, {kChild});
  Gate gate(world_.env, parent.port());
  ChildSite child(world_, kChild, gate.port());
  child.uplink->Start();
  int answers = 0;
  child.Ask(In(seconds(60)), 1, [&](const Answer& answer) { answers += answer.ok() ? 1 : 100; });
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  gate.Cut();
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 2; }));
  EXPECT_FALSE(parent.sink.delivered()[0]->possible_repeat);
  EXPECT_TRUE(parent.sink.delivered()[1]->possible_repeat);
  EXPECT_EQ(world_.metrics.resent.value(), 1);
  parent.sink.AnswerAll({});
  ASSERT_TRUE(world_.RunUntil([&] { return answers > 0; }));
  world_.Pass(seconds(1));
  EXPECT_EQ(answers, 1);
}

// What a child reads is bounded: advice beyond it is left out, where it would end link after link.
TEST_F(LinkTest, BringsAnswersOfAnySizeBack) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  std::vector<Answer> answers;
  const auto keep = [&](const Answer& answer) { answers.push_back(answer); };
  for (const std::size_t size : {13'000U, 14'336U, 14'337U, 16'380U, 70'000U}) {
    child.Ask(In(seconds(60)), 1, keep);
    ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
    const std::size_t before = answers.size();
    parent.sink.AnswerNext({.code = AnswerCode::kOk,
                            .message = std::string(1'024, 'm'),
                            .response = base::Bytes::Copy(std::string(size, 'r'))});
    ASSERT_TRUE(world_.RunUntil([&] { return answers.size() > before; })) << size;
    EXPECT_EQ(answers.back().response.size(), size <= 14'336 ? size : 0U);
  }
  EXPECT_EQ(parent.sink.delivered().size(), answers.size()) << "over one link";
}

// A link that brought such a record would be ended by the parent, and the next one, and the next.
TEST_F(LinkTest, AnswersForRecordsThatTheParentCanNeverTake) {
  ParentSite parent(world_, {kChild});
  parent.options.max_record = 1'000;
  AnswerAtOnce(parent);
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  std::vector<Answer> answers;
  const auto keep = [&](const Answer& answer) { answers.push_back(answer); };
  child.Ask(In(seconds(60)), 1, keep, 1'001);
  record::Record far = *ChildSite::MakeRecord(2, 10);
  far.hops = 8;
  child.outbox.live.Push(
      {.record = std::make_shared<const Record>(far), .deadline = In(seconds(60)), .done = keep});
  child.Store(3, 1'000);
  child.Store(4, 1'001);
  child.Store(5, 1'000);
  child.Store(6, 1'001);
  ASSERT_TRUE(world_.RunUntil([&] { return answers.size() == 2 && child.stored.empty(); }));
  EXPECT_EQ(answers[0].code, AnswerCode::kInvalidArgument);
  EXPECT_THAT(answers[0].message, HasSubstr("send smaller batches"));
  EXPECT_EQ(answers[1].code, AnswerCode::kInvalidArgument);
  EXPECT_THAT(answers[1].message, HasSubstr("8 links"));
  EXPECT_EQ(Numbers(parent.sink), (std::vector<std::uint64_t>{3, 5}));
  EXPECT_EQ(world_.metrics.rejected.value(), 2);
  EXPECT_EQ(world_.log.Count("no link to a parent"), 0U);
}

// === stored records: none lost, none repeated ===

TEST_F(LinkTest, DeliversStoredRecordsOnceAndInOrderAcrossResets) {
  constexpr std::uint64_t kCount = 3'000;
  ParentSite parent(world_, {kChild});
  AnswerAtOnce(parent);
  Gate gate(world_.env, parent.port());
  ChildSite child(world_, kChild, gate.port());
  child.uplink->Start();
  std::mt19937 random(5);
  std::uint64_t next = 1;
  int cuts = 0;
  const auto step = [&] {
    // Into a link and a while after it was lost.
    const bool much_waits = child.stored.size() > 200;
    for (unsigned n = random() % 20; n > 0 && next <= kCount && !much_waits; --n)
      child.Store(next++, random() % 8'000);
    if (random() % 30 == 0 && next <= kCount && child.uplink->connected()) {
      gate.Cut();
      ++cuts;
    }
    return next > kCount && child.stored.empty();
  };
  ASSERT_TRUE(world_.RunUntil(step, seconds(40))) << child.stored.size();
  EXPECT_EQ(Numbers(parent.sink), UpTo(kCount));
  EXPECT_GT(cuts, 3);
}

TEST_F(LinkTest, SendsWhatAParentLostBeforeItWasSyncedAgain) {
  auto parent = std::make_unique<ParentSite>(world_, std::set<std::string>{kChild});
  const std::uint16_t port = parent->port();
  ChildSite child(world_, kChild, port);
  parent->disk().at_once = false;
  child.uplink->Start();
  for (std::uint64_t number = 1; number <= 50; ++number) child.Store(number);
  ASSERT_TRUE(world_.RunUntil([&] { return parent->server->unanswered() == 50; }));
  EXPECT_EQ(child.stored.size(), 50U);
  parent->server->Stop();
  ASSERT_TRUE(world_.RunUntil([&] { return parent->server->links() == 0; }));
  parent.reset();
  parent = std::make_unique<ParentSite>(world_, std::set<std::string>{kChild}, 64 << 20,
                                        "ms1.example", port);
  AnswerAtOnce(*parent);
  EXPECT_EQ(world_.metrics.resent.value(), 0);
  ASSERT_TRUE(world_.RunUntil([&] { return child.stored.empty(); }));
  EXPECT_EQ(Numbers(parent->sink), UpTo(50));
  EXPECT_EQ(world_.metrics.resent.value(), 50);
  for (const record::RecordPtr& record : parent->sink.delivered()) {
    EXPECT_TRUE(record->possible_repeat);
  }
}

TEST_F(LinkTest, LearnsOfAcknowledgementsThatWereLostWithTheLink) {
  ParentSite parent(world_, {kChild});
  Gate gate(world_.env, parent.port());
  ChildSite child(world_, kChild, gate.port());
  child.uplink->Start();
  child.Store(1);
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  gate.Cut();
  parent.sink.AnswerNext({});
  ASSERT_TRUE(world_.RunUntil([&] { return child.stored.empty(); }));
  EXPECT_EQ(parent.sink.delivered().size(), 1U);
}

// === a new leaf: the successor carries before the old link closes ===

TEST_F(LinkTest, MovesToANewLinkUnderTrafficForANewLeafOfEitherSide) {
  constexpr std::uint64_t kCount = 2'000;
  ParentSite parent(world_, {kChild});
  AnswerAtOnce(parent);
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  ASSERT_TRUE(Connected(child));
  std::mt19937 random(9);
  std::uint64_t next = 1;
  std::uint64_t answered = 0;
  std::uint64_t generation = 1;
  bool always_connected = true;
  const auto step = [&] {
    for (int n = 0; n < 5 && next <= kCount; ++n, ++next) {
      child.Store(next, random() % 5'000);
      child.Ask(In(seconds(60)), 1'000'000 + next,
                [&](const Answer& a) { answered += a.ok() ? 1U : 0U; });
    }
    if (next % 500 == 1 && next <= kCount) {
      ++generation;
      if (generation % 2 == 0) child.uplink->SetIdentity(world_.Identity(kChild, generation));
      if (generation % 2 == 1)
        parent.server->SetIdentity(world_.Identity("ms1.example", generation));
    }
    always_connected = always_connected && child.uplink->connected();
    return next > kCount && child.stored.empty() && answered == kCount;
  };
  ASSERT_TRUE(world_.RunUntil(step, seconds(40))) << answered << " " << child.stored.size();
  EXPECT_TRUE(always_connected);
  std::vector<std::uint64_t> stored;
  std::vector<std::uint64_t> live;
  for (const std::uint64_t number : Numbers(parent.sink)) {
    (number > 1'000'000 ? live : stored).push_back(number);
  }
  EXPECT_EQ(stored, UpTo(kCount)) << "once and in order";
  std::sort(live.begin(), live.end());
  EXPECT_EQ(live.size(), kCount);
  EXPECT_EQ(std::adjacent_find(live.begin(), live.end()), live.end());
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->links() == 1; })) << "old links end";
  EXPECT_GE(world_.log.Count("linked to parent"), 4U);
  EXPECT_EQ(world_.log.Count("no link to a parent"), 0U);
}

TEST_F(LinkTest, KeepsTheOldLinkUntilItsLastAnswer) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  int answers = 0;
  child.Ask(In(seconds(60)), 1, [&](const Answer& answer) { answers += answer.ok() ? 1 : 100; });
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  child.uplink->SetIdentity(world_.Identity(kChild, 2));
  child.Ask(In(seconds(60)), 2, [&](const Answer& answer) { answers += answer.ok() ? 1 : 100; });
  ASSERT_TRUE(world_.RunUntil([&] { return world_.log.Count("child linked") == 2; }));
  world_.Pass(seconds(1));
  EXPECT_EQ(parent.server->links(), 2U);
  EXPECT_EQ(parent.sink.delivered().size(), 2U) << "no record was sent again";
  parent.sink.AnswerAll({});
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->links() == 1 && answers == 2; }));
}

// === trust that ends ===

TEST_F(LinkTest, IsCutAtOnceWhenItsChildIsNoLongerBelieved) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  ASSERT_TRUE(Connected(child));
  trust::Identity denies = *world_.Identity("ms1.example", 2);
  denies.trust.denied_hosts = {kChild};
  parent.server->SetIdentity(std::make_shared<const trust::Identity>(denies));
  ASSERT_TRUE(world_.RunUntil([&] { return !child.uplink->connected(); }, seconds(1)));
  child.Store(1);
  ASSERT_TRUE(world_.RunUntil([&] { return world_.log.Count("event=61001") >= 2; })) << "dialled";
  EXPECT_TRUE(parent.sink.delivered().empty());
}

TEST_F(LinkTest, IsCutAtOnceWhenItsParentIsNoLongerBelieved) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  ASSERT_TRUE(Connected(child));
  trust::Identity denies = *world_.Identity(kChild, 2);
  denies.trust.denied_hosts = {"ms1.example"};
  child.uplink->SetIdentity(std::make_shared<const trust::Identity>(denies));
  ASSERT_TRUE(world_.RunUntil([&] { return !child.uplink->connected(); }, seconds(1)));
  child.Store(1);
  ASSERT_TRUE(world_.RunUntil([&] { return world_.log.Count("child's link ended") >= 2; }))
      << "dialled again";
  EXPECT_TRUE(parent.sink.delivered().empty());
}

TEST_F(LinkTest, DoesNotOutliveTheCertificateThatAuthenticatedIt) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, parent.port());
  child.uplink->Start();
  ASSERT_TRUE(Connected(child));
  world_.clock.Advance(std::chrono::days(91));
  ASSERT_TRUE(world_.RunUntil([&] { return !child.uplink->connected(); }, seconds(2)));
  EXPECT_GE(world_.log.Count("event=20049"), 1U);
}

// === loops ===

// Both ends of a relay, as its app joins them.
struct MiddleSite {
  MiddleSite(LinkWorld& in, const std::string& host)
      : parent(in, {"*"}, 1 << 24, host), world(in) {}
  void LinkTo(const MiddleSite& above) {
    const std::string& host = parent.options.host;
    child = std::make_unique<ChildSite>(world, host, std::vector{above.parent.port()},
                                        world.Identity(host), above.parent.options.host);
    child->uplink->OnPath(
        [this](const std::vector<std::string>& hosts) { parent.server->SetPathAbove(hosts); });
    child->uplink->Start();
  }

  ParentSite parent;
  LinkWorld& world;
  std::unique_ptr<ChildSite> child;
};

TEST_F(LinkTest, RefusesALoopInWhateverOrderItsLinksAreMade) {
  const std::vector<std::vector<int>> orders = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
  for (const std::vector<int>& order : orders) {
    std::vector<std::unique_ptr<MiddleSite>> sites;
    for (const char* host : {"a.example", "b.example", "c.example"}) {
      sites.push_back(std::make_unique<MiddleSite>(world_, host));
    }
    const auto link = [&sites](int from) {
      sites[static_cast<std::size_t>(from)]->LinkTo(*sites[static_cast<std::size_t>(from + 1) % 3]);
    };
    for (const int from : {order[0], order[1]}) {
      link(from);
      ASSERT_TRUE(Connected(*sites[static_cast<std::size_t>(from)]->child));
    }
    world_.Pass(milliseconds(100));  // paths are told
    link(order[2]);
    const link::Uplink& last = *sites[static_cast<std::size_t>(order[2])]->child->uplink;
    EXPECT_TRUE(world_.RunUntil(
        [&] { return last.trouble().find("loop of parents") != std::string::npos; }, seconds(5)))
        << order[0] << order[1] << order[2] << ": " << last.trouble();
    for (const auto& site : sites) site->child->uplink->Stop();
    ASSERT_TRUE(world_.RunUntil([&] {
      return std::all_of(sites.begin(), sites.end(),
                         [](const auto& site) { return site->parent.server->links() == 0; });
    }));
  }
}

// === silence, failover, drain ===

TEST_F(LinkTest, LeavesAParentThatFellSilentForTheNext) {
  ParentSite first(world_, {kChild});
  ParentSite second(world_, {kChild});
  Gate gate(world_.env, first.port());
  ChildSite child(world_, kChild, {gate.port(), second.port()}, world_.Identity(kChild));
  child.options.connect_bound = seconds(3);
  child.uplink->Start();
  ASSERT_TRUE(Connected(child));
  AnswerAtOnce(second);
  int answers = 0;
  gate.Stall(true);
  child.Ask(In(seconds(60)), 1, [&](const Answer& answer) { answers += answer.ok() ? 1 : 100; });
  child.Store(1);
  world_.Pass(seconds(4));
  EXPECT_TRUE(child.uplink->connected()) << "deadAfter is not over";
  world_.Pass(seconds(2));
  EXPECT_FALSE(child.uplink->connected());
  // The same parent is dialled once at once; it does not answer, so the next one's turn comes.
  world_.Pass(seconds(5));
  ASSERT_TRUE(world_.RunUntil([&] { return answers == 1 && child.stored.empty(); }));
  EXPECT_EQ(second.sink.delivered().size(), 2U);
}

TEST_F(LinkTest, RedialsEverSlowerWhereLinksEndAsSoonAsTheyAreMade) {
  ParentSite parent(world_, {kChild});
  Gate gate(world_.env, parent.port());
  ChildSite child(world_, kChild, gate.port());
  child.uplink->Start();
  int links = 0;
  bool connected = false;
  const base::Instant end = In(seconds(5));
  const auto cut_each = [&] {
    if (std::exchange(connected, child.uplink->connected()) || !connected)
      return world_.clock.Now() >= end;
    ++links;
    gate.Cut();
    return false;
  };
  ASSERT_TRUE(world_.RunUntil(cut_each, seconds(10)));
  EXPECT_GE(links, 3);
  EXPECT_LE(links, 10);
}

TEST_F(LinkTest, MovesToTheNextParentWhenItsOwnDrains) {
  ParentSite first(world_, {kChild});
  ParentSite second(world_, {kChild});
  ChildSite child(world_, kChild, {first.port(), second.port()}, world_.Identity(kChild));
  child.uplink->Start();
  ASSERT_TRUE(Connected(child));
  first.server->Drain(seconds(30));
  ASSERT_TRUE(world_.RunUntil([&] {
    world_.clock.Advance(milliseconds(10));
    return second.server->links() == 1 && first.server->links() == 0;
  })) << "without waiting for the first to close";
  EXPECT_TRUE(child.uplink->connected());
}

// === credit ===

TEST_F(LinkTest, KeepsWithinASmallBudgetAndDeliversAllInTheEnd) {
  constexpr std::uint64_t kCount = 400;
  constexpr std::uint64_t kMemory = 1 << 20;
  ParentSite parent(world_, {kChild}, kMemory);
  parent.options.max_record = 128 * 1024;
  Gate gate(world_.env, parent.port());
  ChildSite child(world_, kChild, gate.port());
  child.uplink->Start();
  std::mt19937 random(2);
  for (std::uint64_t number = 1; number <= kCount; ++number) child.Store(number, random() % 60'000);
  std::uint64_t most_used = 0;
  std::uint64_t most_held = 0;
  int turn = 0;
  const auto step = [&] {
    if (++turn % 3 == 0 && !parent.sink.held().empty()) parent.sink.AnswerNext({});
    if (turn % 400 == 399) gate.Cut();  // what a dead link brought still counts
    most_used = std::max(most_used, parent.budget.used());
    most_held = std::max<std::uint64_t>(most_held, parent.server->unanswered());
    return child.stored.empty();
  };
  ASSERT_TRUE(world_.RunUntil(step, seconds(40))) << child.stored.size();
  // The standing credit of the links there were at one time comes on top.
  EXPECT_LE(most_used, kMemory + 4 * 16 * 1024);
  EXPECT_LE(most_held, 2 * kMemory / 30'000) << "about 30 KB each";
  EXPECT_EQ(Numbers(parent.sink), UpTo(kCount));
  gate.Cut();
  child.uplink->Stop();
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->links() == 0; }));
  // What the store holds for its reader goes within a second.
  EXPECT_TRUE(world_.RunUntil([&] { return parent.budget.used() == 0; })) << parent.budget.used();
}

TEST_F(LinkTest, CountsTheRecordsOfADeadLinkUntilTheyAreSynced) {
  ParentSite parent(world_, {kChild});
  Gate gate(world_.env, parent.port());
  ChildSite child(world_, kChild, gate.port());
  child.uplink->Start();
  parent.disk().at_once = false;
  child.Store(1, 40'000);
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->unanswered() == 1; }));
  child.uplink->Stop();
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->links() == 0; }));
  EXPECT_GE(parent.budget.used(), 40'000U);
  parent.disk().RunAll();
  ASSERT_EQ(parent.sink.held().size(), 1U);
  EXPECT_TRUE(world_.RunUntil([&] { return parent.budget.used() == 0; }));
}

}  // namespace
}  // namespace postern::link
