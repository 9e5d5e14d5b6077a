// What a feed does with records that its backend does not take: holds, evicts or parks them.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <string>

#include "sidecar/relay/testing/feed_fixture.h"

namespace postern::relay {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Signal;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kLarge(100'000, 'x');

class FeedPolicyTest : public FeedFixture {
 protected:
  static Answer Down(const record::Record&) { return Refusal(AnswerCode::kUnavailable); }
  static Answer Takes(const record::Record&) { return {}; }
  // Takes what has no 'p' in it, and refuses the rest.
  static Answer RefusesPoison(const record::Record& record) {
    const bool poison = record.body.view().find('p') != std::string_view::npos;
    return poison ? Refusal(AnswerCode::kUnavailable) : Answer{};
  }
  // Records of 100 kB, each synced by itself.
  void KeepLarge(int from, int to) {
    for (int i = from; i < to; ++i) {
      Keep(std::to_string(i) + kLarge);
      Sync();
    }
  }
  void Pass(base::Duration time) {
    for (base::Duration passed{}; passed < time; passed += seconds(1)) {
      loop_.Advance(seconds(1));
      Sync();
    }
  }
  // Until the head was refused as often as it takes.
  void LosePatience() { Pass(minutes(10)); }
  int CountDelivered(const std::string& body) const {
    const auto all = Delivered();
    return static_cast<int>(std::ranges::count(all, body));
  }
  bool Shows(const std::string& series) const {
    return registry_.Render().find(series + "\n") != std::string::npos;
  }
};

constexpr const char* kLabels = "{backend=\"collector\",signal=\"logs\"} ";

// === behind ===

TEST_F(FeedPolicyTest, EvictsWhatIsTooFarBehindAndNamesIt) {
  options_.max_behind = std::uint64_t{2} << 20;
  MakeFeed();
  backend_.OnDeliver(Down);
  KeepLarge(0, 60);
  Pass(seconds(2));
  const double evicted = metrics_.evicted.value();
  EXPECT_GE(evicted, 60 - 22) << "about 2 MiB stay";
  EXPECT_LE(evicted, 60 - 19);
  EXPECT_THAT(Ledger(),
              ElementsAre("evicted collector/logs " + std::to_string(static_cast<int>(evicted))));
  const std::size_t before = Delivered().size();
  backend_.OnDeliver(Takes);
  Pass(minutes(2));
  EXPECT_EQ(Delivered().size() - before + static_cast<std::size_t>(evicted), 60U)
      << "what was not evicted is delivered";
  EXPECT_TRUE(feed_->empty());
  Restart();
  EXPECT_TRUE(feed_->empty());
}

TEST_F(FeedPolicyTest, LosesNothingWhereNothingElseIsSaid) {
  MakeFeed();
  backend_.OnDeliver(Down);
  KeepLarge(0, 60);
  Pass(seconds(2));
  EXPECT_EQ(metrics_.evicted.value(), 0);
}

TEST_F(FeedPolicyTest, LetsTheLogGoOnForTheOthersThoughItMayBeBehindByAllOfIt) {
  max_bytes_ = std::uint64_t{6} << 20;
  Open();
  options_.max_behind = max_bytes_;
  MakeFeed();
  backend_.OnDeliver(Down);
  link::ScriptSink well;
  well.OnDeliver(Takes);
  auto other = BackendFeed::Make({loop_, log_.logger(), relay_metrics_, registry_, *letters_},
                                 *store_, well, {.backend = "well"});
  ASSERT_TRUE(other);
  KeepLarge(0, 300);  // Keep fails where the log is full
  EXPECT_EQ(well.delivered().size(), 300U);
  EXPECT_LE(store_->bytes(), max_bytes_);
  EXPECT_GT(metrics_.evicted.value(), 200);
  EXPECT_THAT(Ledger(), Not(Contains(HasSubstr("well"))));
}

TEST_F(FeedPolicyTest, DoesNotEvictWhatIsInFlight) {
  options_.max_behind = std::uint64_t{1} << 20;
  MakeFeed();
  Keep("first");
  Sync();
  KeepLarge(0, 40);
  Pass(seconds(2));
  EXPECT_EQ(metrics_.evicted.value(), 0) << "what waits behind it does not either";
  backend_.OnDeliver(Takes);
  backend_.AnswerNext({});
  Pass(seconds(2));
  EXPECT_EQ(Delivered().front(), "first");
  EXPECT_EQ(Delivered().size() + static_cast<std::size_t>(metrics_.evicted.value()), 41U);
  EXPECT_GE(metrics_.evicted.value(), 25);
}

TEST_F(FeedPolicyTest, CountsOnlyItsOwnSignal) {
  options_.max_behind = std::uint64_t{1} << 20;
  MakeFeed();
  backend_.OnDeliver(Down);
  Keep("logs");
  for (int i = 0; i < 40; ++i) {
    Keep(kLarge, "a.example", Signal::kMetrics);
    Sync();
  }
  Pass(seconds(2));
  EXPECT_EQ(metrics_.evicted.value(), 1);
}

TEST_F(FeedPolicyTest, TellsHowFarBehindItIs) {
  max_bytes_ = std::uint64_t{16} << 20;
  Open();
  MakeFeed();
  EXPECT_TRUE(Shows(std::string("postern_backend_behind_bytes") + kLabels + "0"));
  EXPECT_TRUE(Shows(std::string("postern_backend_is_behind") + kLabels + "0"));
  EXPECT_TRUE(Shows(std::string("postern_backend_refuses") + kLabels + "0"));
  EXPECT_TRUE(Shows(std::string("postern_relay_parked_records") + kLabels + "0"));
  backend_.OnDeliver(Down);
  KeepLarge(0, 20);
  Pass(seconds(2));
  EXPECT_FALSE(Shows(std::string("postern_backend_behind_bytes") + kLabels + "0"));
  EXPECT_TRUE(Shows(std::string("postern_backend_is_behind") + kLabels + "0"));
  EXPECT_TRUE(Shows(std::string("postern_backend_refuses") + kLabels + "1"));
  EXPECT_EQ(log_.Count("backend refuses: it is tried again"), 1U) << "once, however often";
  EXPECT_EQ(log_.Count("backend is behind"), 0U);
  KeepLarge(20, 100);
  EXPECT_TRUE(Shows(std::string("postern_backend_is_behind") + kLabels + "1"));
  EXPECT_EQ(log_.Count("backend is behind"), 1U);
  backend_.OnDeliver(Takes);
  Pass(minutes(2));
  EXPECT_TRUE(feed_->empty());
  EXPECT_TRUE(Shows(std::string("postern_backend_behind_bytes") + kLabels + "0"));
  EXPECT_TRUE(Shows(std::string("postern_backend_is_behind") + kLabels + "0"));
  EXPECT_TRUE(Shows(std::string("postern_backend_refuses") + kLabels + "0"));
}

// === parked ===

TEST_F(FeedPolicyTest, ParksWhatIsRefusedWhileThoseBehindAreTaken) {
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* body : {"1", "poison", "2", "3"}) Keep(body);
  Sync();
  LosePatience();
  EXPECT_EQ(Delivered().front(), "1");
  EXPECT_EQ(CountDelivered("2") + CountDelivered("3"), 2);
  EXPECT_FALSE(feed_->empty());
  EXPECT_TRUE(Shows(std::string("postern_relay_parked_records") + kLabels + "1"));
  EXPECT_TRUE(Shows(std::string("postern_backend_refuses") + kLabels + "1"));
  EXPECT_EQ(log_.Count("record parked: those behind it are taken"), 1U);
  EXPECT_EQ(relay_metrics_.reordered.value(), 0) << "it was not delivered yet";
  const int tried = CountDelivered("poison");
  Pass(minutes(3));
  EXPECT_GE(CountDelivered("poison") - tried, 2);
  EXPECT_LE(CountDelivered("poison") - tried, 3) << "each minute";

  Keep("4");
  Sync();
  EXPECT_EQ(Delivered().back(), "4") << "it holds nobody up";
  backend_.OnDeliver(Takes);
  Pass(seconds(62));
  EXPECT_EQ(Delivered().back(), "poison");
  EXPECT_EQ(relay_metrics_.reordered.value(), 1);
  EXPECT_TRUE(feed_->empty());
  EXPECT_TRUE(Shows(std::string("postern_relay_parked_records") + kLabels + "0"));
  Restart();
  EXPECT_TRUE(feed_->empty());
}

TEST_F(FeedPolicyTest, FindsTheOneToParkAmongThoseItMerged) {
  options_.most_merged = 1000;
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* body : {"1", "poison", "2", "3"}) Keep(body);
  Sync();
  LosePatience();
  EXPECT_THAT(Delivered(), Contains("1poison23"));
  for (const char* body : {"1", "2", "3"}) EXPECT_EQ(CountDelivered(body), 1) << body;
  EXPECT_TRUE(Shows(std::string("postern_relay_parked_records") + kLabels + "1"));
}

TEST_F(FeedPolicyTest, ParksNothingWhereTheBackendIsDown) {
  MakeFeed();
  backend_.OnDeliver(Down);
  for (const char* body : {"1", "2", "3"}) Keep(body);
  Sync();
  LosePatience();
  EXPECT_GT(CountDelivered("2"), 0) << "it was tried";
  EXPECT_EQ(CountDelivered("3"), 0);
  EXPECT_TRUE(Shows(std::string("postern_relay_parked_records") + kLabels + "0"));
  EXPECT_FALSE(feed_->empty());
}

TEST_F(FeedPolicyTest, TriesAParkedRecordFirstAfterARestart) {
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* body : {"poison", "1"}) Keep(body);
  Sync();
  LosePatience();
  Keep("2");
  Sync();
  ASSERT_EQ(CountDelivered("2"), 1);
  const std::size_t before = Delivered().size();
  backend_.OnDeliver(Takes);
  Restart();
  Sync();
  ASSERT_EQ(Delivered().size(), before + 1) << "and nothing else again";
  EXPECT_EQ(Delivered().back(), "poison");
  EXPECT_TRUE(feed_->empty());
}

TEST_F(FeedPolicyTest, RejectsAParkedRecordThatTurnsOutToBeAtFault) {
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* body : {"poison", "1"}) Keep(body);
  Sync();
  LosePatience();
  backend_.OnDeliver([](const record::Record&) { return Refusal(AnswerCode::kInvalidArgument); });
  letters_disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  Pass(seconds(62));
  EXPECT_FALSE(feed_->empty()) << "held until people have it";
  letters_disk_.FailSyncs(0);
  Pass(seconds(6));
  Sync();
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(relay_metrics_.reordered.value(), 0);
  EXPECT_EQ(metrics_.rejected.value(), 1);
  EXPECT_THAT(Letters(), ElementsAre("collector/logs: no|poison"));
}

TEST_F(FeedPolicyTest, LetsAParkedRecordExpire) {
  max_age_ = minutes(30);
  Open();
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* body : {"poison", "1"}) Keep(body);
  Sync();
  LosePatience();
  ASSERT_FALSE(feed_->empty());
  Pass(minutes(21));
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(metrics_.expired.value(), 1);
  EXPECT_THAT(Ledger(), Contains("expired collector/logs 1"));
}

TEST_F(FeedPolicyTest, EvictsAParkedRecordThatIsTooFarBehind) {
  options_.max_behind = std::uint64_t{2} << 20;
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* body : {"poison", "1"}) Keep(body);
  Sync();
  LosePatience();
  ASSERT_FALSE(feed_->empty());
  KeepLarge(0, 40);
  Pass(seconds(2));
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(metrics_.evicted.value(), 1);
}

TEST_F(FeedPolicyTest, ParksNoMoreThanItsCursorCanName) {
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  const int most = static_cast<int>(ParkedRecords::kMost);
  for (int i = 0; i < most + 10; ++i) {
    const std::string member = std::to_string(i) + ".example";
    Keep("poison", member);
    Keep("1", member);
  }
  Sync();
  LosePatience();
  EXPECT_TRUE(Shows(std::string("postern_relay_parked_records") + kLabels + std::to_string(most)));
  EXPECT_EQ(CountDelivered("1"), most) << "the others hold";
  backend_.OnDeliver(Takes);
  Pass(minutes(3));
  EXPECT_TRUE(feed_->empty());
  EXPECT_EQ(CountDelivered("1"), most + 10);
  Restart();
  EXPECT_TRUE(feed_->empty());
}

TEST_F(FeedPolicyTest, AParkedRecordTakesNoRoomFromThoseThatGoOn) {
  options_.look_ahead = 1000;
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* member : {"a.example", "b.example"}) {
    Keep("poison" + std::string(900, 'x'), member);
    Keep(std::string(50, '1'), member);
  }
  Sync();
  LosePatience();
  for (int i = 0; i < 50; ++i) Keep(std::string(500, '2'));
  Pass(seconds(5));
  EXPECT_EQ(CountDelivered(std::string(500, '2')), 50);
}

// With a record parked the floor stands still: what found no range when it was done finds one
// beside those that were done since, wherever it stands.
TEST_F(FeedPolicyTest, WritesDownAboveAParkedRecordWhatItsCursorHadNoRangeFor) {
  options_.in_flight = 8;
  MakeFeed();
  backend_.OnDeliver(RefusesPoison);
  for (const char* body : {"poison", "1"}) Keep(body);
  Sync();
  LosePatience();
  ASSERT_TRUE(Shows(std::string("postern_relay_parked_records") + kLabels + "1"));
  std::set<std::string> held = {"first", "second", "left", "middle", "right"};
  backend_.OnDeliver([&held](const record::Record& record) -> std::optional<Answer> {
    if (held.contains(record.origin.member)) return std::nullopt;
    return RefusesPoison(record);
  });
  for (const char* member : {"first", "second", "left"}) Keep("x", member);
  for (int i = 0; i < 1030; ++i) {
    for (const char* member : {"range", "left", "middle", "right"}) Keep("x", member);
  }
  Sync();
  // The ranges are used up. Of those between them the middle finds none, nor has it one beside it.
  for (const char* member : {"middle", "first", "second", "left", "right"}) {
    held.erase(member);
    const auto waits = std::ranges::find_if(
        backend_.held(), [member](const auto& one) { return one.record->origin.member == member; });
    ASSERT_NE(waits, backend_.held().end());
    backend_.AnswerAt(static_cast<std::size_t>(waits - backend_.held().begin()), {});
    Sync();
  }
  Pass(seconds(5));
  const std::size_t before = Delivered().size();
  backend_.OnDeliver(Takes);
  Restart();
  Sync();
  EXPECT_EQ(Delivered().size(), before + 1) << "all but the parked one is written down";
  EXPECT_TRUE(feed_->empty());
}

}  // namespace
}  // namespace postern::relay
