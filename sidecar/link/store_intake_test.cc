#include "sidecar/link/store_intake.h"

#include <gmock/gmock.h>

#include <random>

#include "lib/base/crc32c.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::link {
namespace {

using base::Code;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const store::Sender kSender{.member = "gw1.example", .store = {7}};

class StoreIntakeTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    Open();
    MakeIntake();
  }
  void MakeIntake() { intake_ = std::make_unique<StoreIntake>(loop_, *store_, kSender); }
  void Restart() {
    intake_.reset();
    Open();
    MakeIntake();
  }
  std::uint64_t Begin() {
    return intake_->Begin(
        {.on_ack = [this](std::uint64_t through) { acks_.push_back(through); },
         .on_failed = [this](const base::Error& why) { failures_.push_back(why.code()); }});
  }
  static std::string Body(std::uint64_t number) { return "body " + std::to_string(number); }
  // Takes records of one batch, whose hold counts in `released_`.
  bool Take(std::uint64_t session, const std::vector<std::uint64_t>& numbers,
            std::size_t size = 0) {
    std::vector<lane::UnpackedRecord> records;
    for (const std::uint64_t number : numbers) {
      std::string body = Body(number);
      body.resize(std::max(size, body.size()), '.');
      records.push_back(
          {.number = number,
           .lead = 0,
           .record = {.metadata = {}, .origin = {}, .body = base::Bytes::Copy(body)}});
    }
    return intake_->Take(session, std::move(records),
                         {this, [](StoreIntakeTest* test) { ++test->released_; }});
  }
  std::vector<std::string> Kept() { return Read(*MakeReader("all")); }

  std::vector<std::uint64_t> acks_;
  std::vector<Code> failures_;
  int released_ = 0;
  std::unique_ptr<StoreIntake> intake_;

  ~StoreIntakeTest() override { intake_.reset(); }
};

TEST_F(StoreIntakeTest, AcknowledgesAndReleasesWhatIsSynced) {
  const std::uint64_t session = Begin();
  ASSERT_TRUE(Take(session, {1, 2}));
  loop_.RunUntilIdle();
  EXPECT_THAT(acks_, IsEmpty());
  EXPECT_EQ(released_, 0);
  EXPECT_EQ(intake_->mark().sequence, 0U);
  Sync();
  EXPECT_EQ(acks_.back(), 2U);
  EXPECT_EQ(released_, 1);
  EXPECT_EQ(intake_->mark(), (store::Mark{2, base::Crc32c(Body(2)), intake_->mark().age}));
  EXPECT_THAT(Kept(), ElementsAre(Body(1), Body(2)));
}

// Through a log that is full of one child's records the others go on.
TEST_F(StoreIntakeTest, LetsModestChildrenGoOnWhereOneFloodsTheLog) {
  intake_.reset();
  max_bytes_ = std::uint64_t{8} << 20;
  Open();
  struct Child {
    std::unique_ptr<StoreIntake> intake;
    std::uint64_t session = 0;
    std::uint64_t sent = 0;
    std::uint64_t acked = 0;
  };
  std::vector<Child> children(4);
  for (Child& child : children) {
    const auto name = "gw" + std::to_string(&child - children.data()) + ".example";
    child.intake =
        std::make_unique<StoreIntake>(loop_, *store_, store::Sender{.member = name, .store = {1}});
    child.session = child.intake->Begin(
        {.on_ack = [&child](std::uint64_t through) { child.acked = through; }, .on_failed = {}});
  }
  constexpr std::size_t kSize = 50'000;
  const auto send = [&](Child& child) {
    std::vector<lane::UnpackedRecord> records(1);
    records[0].number = ++child.sent;
    records[0].record.body = base::Bytes::Copy(std::string(kSize, 'x'));
    ASSERT_TRUE(child.intake->Take(child.session, std::move(records), {}));
  };
  const auto reader = MakeReader();
  double most_over = 0;
  for (int round = 0; round < 300; ++round) {
    while (children[0].sent < children[0].acked + 20) send(children[0]);
    for (std::size_t modest = 1; modest < children.size(); ++modest) send(children[modest]);
    Sync();
    for (int passed = 0; passed < 5 && reader->Peek() != nullptr; ++passed) reader->Next();
    ASSERT_TRUE(reader->Done(0, reader->position()));
    loop_.Advance(std::chrono::milliseconds(1000));
    Sync();
    most_over = std::max(most_over, metrics_.over_share.value());
    for (std::size_t modest = 1; modest < children.size(); ++modest) {
      ASSERT_EQ(children[modest].acked, children[modest].sent) << "round " << round;
    }
  }
  EXPECT_GT(children[0].acked, 500U) << "what the others leave";
  EXPECT_GT(children[0].intake->size(), 10U) << "and no more";
  EXPECT_GT(store_->bytes(), max_bytes_ / 2);
  EXPECT_EQ(most_over, 1);
}

TEST_F(StoreIntakeTest, TakesSequencesWithGaps) {
  Take(Begin(), {3, 7, (1ULL << 40U) + 1});
  Sync();
  EXPECT_EQ(acks_.back(), (1ULL << 40U) + 1);
}

TEST_F(StoreIntakeTest, SkipsWhatCameBeforeAndAcknowledgesItAgain) {
  const std::uint64_t session = Begin();
  Take(session, {1, 2, 3});
  Sync();
  acks_.clear();
  Take(session, {2, 3});
  EXPECT_EQ(acks_.back(), 3U) << "the child may not know";
  EXPECT_EQ(released_, 2);
  Take(session, {3, 4});
  Sync();
  EXPECT_EQ(acks_.back(), 4U);
  EXPECT_EQ(Kept().size(), 4U);
}

TEST_F(StoreIntakeTest, RemembersOverARestart) {
  Take(Begin(), {1, 2, 3});
  Sync();
  Restart();
  const std::uint64_t session = Begin();
  EXPECT_EQ(intake_->mark().sequence, 3U);
  Take(session, {2, 3, 4});
  Sync();
  EXPECT_EQ(Kept().size(), 4U);
}

TEST_F(StoreIntakeTest, DiscardsTheFramesOfASessionThatANewerHelloEnded) {
  const std::uint64_t older = Begin();
  const std::uint64_t newer = Begin();
  EXPECT_FALSE(Take(older, {1}));
  EXPECT_EQ(released_, 1);
  EXPECT_TRUE(Take(newer, {1}));
  intake_->End(older);
  Sync();
  EXPECT_THAT(acks_, ElementsAre(1));
  EXPECT_TRUE(intake_->in_use());
  intake_->End(newer);
  EXPECT_FALSE(intake_->in_use());
}

TEST_F(StoreIntakeTest, AcknowledgesToTheNextLinkWhatTheLastOneBrought) {
  const std::uint64_t older = Begin();
  Take(older, {1, 2});
  loop_.RunUntilIdle();
  intake_->End(older);
  EXPECT_TRUE(intake_->in_use()) << "not synced yet";
  Begin();
  EXPECT_EQ(intake_->mark().sequence, 0U);
  Sync();
  EXPECT_EQ(acks_.back(), 2U);
}

// === our disk ===

TEST_F(StoreIntakeTest, EndsTheLinkWhereTheDiskFailsAndTakesTheRecordAgain) {
  const std::uint64_t session = Begin();
  Take(session, {1});
  Sync();
  disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  Take(session, {2});
  loop_.RunUntilIdle();
  Take(session, {3});
  Sync();
  EXPECT_THAT(failures_, ElementsAre(Code::kUnavailable)) << "once";
  EXPECT_EQ(intake_->mark().sequence, 1U);
  EXPECT_FALSE(Take(session, {4})) << "it must not pass those that were refused";
  EXPECT_EQ(released_, 4);

  const std::uint64_t refused = Begin();
  Take(refused, {2});
  EXPECT_EQ(failures_.size(), 2U) << "the disk rests for 5 s";
  disk_.FailSyncs(0);
  loop_.Advance(seconds(5));
  Take(Begin(), {2, 3, 4});
  Sync();
  EXPECT_EQ(acks_.back(), 4U);
  EXPECT_THAT(Kept(), ElementsAre(Body(1), Body(2), Body(3), Body(4)));
}

TEST_F(StoreIntakeTest, WaitsWhileTheStoreIsFullAndKeepsTheOrder) {
  intake_.reset();
  max_bytes_ = std::uint64_t{2} << 20;
  Open();
  MakeIntake();
  const auto reader = MakeReader("all");
  const std::uint64_t session = Begin();
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 1; number <= 30; ++number) numbers.push_back(number);
  Take(session, numbers, 100'000);
  Sync();
  const std::uint64_t first_ack = acks_.back();
  EXPECT_LT(first_ack, 30U);
  Take(session, {31});
  EXPECT_EQ(released_, 0);
  std::vector<std::string> read;
  for (int i = 0; i < 60 && acks_.back() < 31; ++i) {
    for (const std::string& body : Read(*reader)) read.push_back(body.substr(0, body.find('.')));
    ASSERT_TRUE(reader->Done(reader->floor(), reader->position()));
    Sync();
    loop_.Advance(seconds(1));
    Sync();
  }
  for (const std::string& body : Read(*reader)) read.push_back(body.substr(0, body.find('.')));
  EXPECT_EQ(acks_.back(), 31U);
  ASSERT_EQ(read.size(), 31U);
  for (std::uint64_t number = 1; number <= 31; ++number) EXPECT_EQ(read[number - 1], Body(number));
  EXPECT_EQ(released_, 2);
}

// === against a model: sessions, syncs, disks and processes lost at random ===

TEST_F(StoreIntakeTest, KeepsEachRecordOnceInOrderWhateverHappens) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    intake_.reset();
    store_.reset();
    disk_ = fs::FaultyStorage();
    Open();
    MakeIntake();
    std::mt19937 random(seed);
    acks_ = {0};
    std::uint64_t sent = 0;
    std::uint64_t last = 0;
    std::uint64_t session = Begin();
    for (int step = 0; step < 300; ++step) {
      switch (random() % 6) {
        case 0:
        case 1: {
          std::vector<std::uint64_t> numbers;
          for (std::uint64_t n = random() % 4; n > 0; --n) numbers.push_back(++sent);
          last = std::max(last, sent);
          if (!numbers.empty()) Take(session, numbers);
          break;
        }
        case 2: Sync(); break;
        case 3:
          intake_->End(session);
          session = Begin();
          sent = intake_->mark().sequence;
          ASSERT_LE(acks_.back(), sent) << "what was acknowledged is kept";
          break;
        case 4:
          disk_.FailSyncs(static_cast<int>(random() % 3), ".log");
          Sync();
          disk_.FailSyncs(0);
          loop_.Advance(seconds(6));
          break;
        default:
          if (random() % 5 != 0) break;
          Restart();
          session = Begin();
          sent = intake_->mark().sequence;
          ASSERT_LE(acks_.back(), sent) << "what was acknowledged is kept";
      }
    }
    loop_.Advance(seconds(6));
    session = Begin();
    Sync();
    std::vector<std::uint64_t> rest;
    for (std::uint64_t n = intake_->mark().sequence + 1; n <= last; ++n) rest.push_back(n);
    Take(session, rest);
    Sync();
    const std::vector<std::string> kept = Kept();
    ASSERT_EQ(kept.size(), last);
    for (std::uint64_t n = 1; n <= last; ++n) ASSERT_EQ(kept[n - 1], Body(n));
  }
}

}  // namespace
}  // namespace postern::link
