#include "sidecar/store/dead_letters.h"

#include <gmock/gmock.h>

#include "lib/base/testing/matchers.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::store {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using fs::Unsynced;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class DeadLettersTest : public StoreFixture {
 protected:
  void SetUp() override {
    OpenLetters();
    Sync();
  }
  static record::Record MakeRecord(std::string body) {
    return {.signal = record::Signal::kMetrics,
            .metadata = {},
            .origin = {.member = "gw1.example", .store = {7}, .sequence = 12},
            .body = base::Bytes::Copy(body)};
  }
  void Keep(record::Record record, const std::string& why = "bad") {
    letters_->Keep(std::make_shared<const record::Record>(std::move(record)), "uplink", why,
                   [this](const base::Status& kept) { told_.push_back(kept); });
  }
  void Keep(const std::string& body, const std::string& why = "bad") {
    Keep(MakeRecord(body), why);
  }
  // Turns, until the letters have nothing more to do now.
  void Settle() {
    loop_.Advance(seconds(1));
    Sync();
  }

  std::vector<base::Status> told_;
};

TEST_F(DeadLettersTest, TellsOnceALetterIsSynced) {
  Keep("1");
  loop_.RunUntilIdle();
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(metrics_.dead_letters.value(), 0);
  Sync();
  EXPECT_THAT(told_, ElementsAre(IsOk()));
  letters_disk_.PowerOn(Unsynced::kLost);
  EXPECT_THAT(Letters(), ElementsAre("uplink: bad|1"));
  EXPECT_EQ(metrics_.dead_letters.value(), 1);
  EXPECT_GT(metrics_.dead_letter_bytes.value(), 0);
  EXPECT_EQ(metrics_.dead_letter_errors.value(), 0);
}

TEST_F(DeadLettersTest, KeepsTheWholeRecordAndSaysWhyAtTheEndOfItsMetadata) {
  record::Record record = MakeRecord("body");
  record.metadata = {{"x-tenant", "a"}};
  record.hops = 3;
  Keep(record, "no export");
  Sync();
  const auto folder = letters_disk_.OpenToRead("dead-letter");
  ASSERT_TRUE(folder);
  std::vector<record::Record> letters;
  ASSERT_TRUE(queue::ReadEntries(**folder, {}, [&](const queue::StoredEntry& entry) {
    letters.push_back(*record::ParseRecord(entry.body, {}));
    return base::Status();
  }));
  record.metadata.emplace_back("postern-dead-letter", "uplink: no export");
  EXPECT_THAT(letters, ElementsAre(record));
}

TEST_F(DeadLettersTest, CutsALongReasonBetweenTwoCharacters) {
  // "uplink: " and 247 more leave one byte of the 256, and ä takes two.
  Keep("1", std::string(247, 'x') + "ä");
  Keep("2", std::string(248, 'x') + "ä");
  Keep("3", std::string(246, 'x') + "ä");
  Sync();
  EXPECT_THAT(Letters(), ElementsAre("uplink: " + std::string(247, 'x') + "|1",
                                     "uplink: " + std::string(248, 'x') + "|2",
                                     "uplink: " + std::string(246, 'x') + "ä|3"));
}

TEST_F(DeadLettersTest, KeepsARecordWithAllTheMetadataThereMayBe) {
  record::Record record = MakeRecord("1");
  for (std::size_t i = 0; i < record::kMaxMetadataEntries; ++i) {
    record.metadata.emplace_back("x" + std::to_string(i), "");
  }
  Keep(record);
  Sync();
  EXPECT_THAT(Letters(), ElementsAre("|1")) << "nothing of its own makes room for the reason";
}

TEST_F(DeadLettersTest, TriesAgainAfterOneFailedSync) {
  Keep("1");
  letters_disk_.FailSyncs(1, ".log");
  Sync();
  Keep("2");
  Sync();
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(letters_->waiting(), 2U);
  EXPECT_EQ(metrics_.dead_letter_errors.value(), 1);
  loop_.Advance(seconds(5));
  Settle();
  EXPECT_THAT(told_, ElementsAre(IsOk(), IsOk()));
  letters_disk_.PowerOn(Unsynced::kLost);
  EXPECT_THAT(Letters(), ElementsAre("uplink: bad|1", "uplink: bad|2")) << "each once, in order";
}

TEST_F(DeadLettersTest, HoldsWhatItsDiskNeverTakesAndTellsOfItNowAndThen) {
  letters_disk_.FailSyncs(fs::FaultyStorage::kAlways, ".log");
  Keep("1");
  for (int second = 0; second < 60; ++second) Settle();
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_GE(metrics_.dead_letter_errors.value(), 9);
  EXPECT_LE(metrics_.dead_letter_errors.value(), 13);
  const std::size_t lines = log_.Count("dead letters' disk failed: their records are held");
  EXPECT_GE(lines, 4U);
  EXPECT_LE(lines, 7U);
  letters_disk_.FailSyncs(0);
  for (int second = 0; second < 6; ++second) Settle();
  EXPECT_THAT(told_, ElementsAre(IsOk()));
  EXPECT_THAT(Letters(), ElementsAre("uplink: bad|1"));
}

TEST_F(DeadLettersTest, OpensWhenTheDiskLetsIt) {
  letters_disk_.SetFree(0);
  letters_disk_.FailOpens(fs::FaultyStorage::kAlways);
  letters_.reset();
  letters_disk_.KillProcess();
  OpenLetters();
  Keep("1");
  Settle();
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_GE(metrics_.dead_letter_errors.value(), 1);
  letters_disk_.FailOpens(0);
  letters_disk_.SetFree(64 * kMiB);
  for (int second = 0; second < 6; ++second) Settle();
  EXPECT_THAT(told_, ElementsAre(IsOk()));
  EXPECT_THAT(Letters(), ElementsAre("uplink: bad|1"));
}

TEST_F(DeadLettersTest, LetsGoOfTheOldestWhereItIsFull) {
  for (int i = 0; i < 40; ++i) {
    Keep(std::string(400'000, static_cast<char>('A' + i)));
    Settle();
    ASSERT_EQ(told_.size(), static_cast<std::size_t>(i + 1)) << "there is always room";
    EXPECT_LE(metrics_.dead_letter_bytes.value(), 4.0 * kMiB);
  }
  EXPECT_THAT(told_, Each(IsOk()));
  const std::vector<std::string> left = Letters();
  ASSERT_GE(left.size(), 3U);
  ASSERT_LT(left.size(), 12U);
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].back(), static_cast<char>('A' + 40 - left.size() + i)) << "the newest stay";
  }
}

// The largest record that is allowed comes again and again, whatever the queue's size.
TEST_F(DeadLettersTest, HasRoomForTheLargestRecordEachTime) {
  for (const std::uint64_t record : {kMiB / 2, kMiB, 3 * kMiB, 16 * kMiB}) {
    letters_disk_.PowerOn(Unsynced::kLost);
    const std::string folder = "letters-" + std::to_string(record);
    letters_ = std::make_unique<DeadLetters>(
        StoreEnv{loop_, letters_worker_, cursor_worker_, letters_disk_, budget_, log_.logger(),
                 metrics_},
        DeadLetters::Options{.folder = folder, .max_bytes = DeadLetters::MaxBytes(0, record)});
    told_.clear();
    for (std::size_t i = 0; i < 6; ++i) {
      Keep(std::string(record, 'x'));
      Settle();
      Settle();
      ASSERT_EQ(told_.size(), i + 1) << record;
    }
    EXPECT_THAT(told_, Each(IsOk())) << record;
  }
}

TEST_F(DeadLettersTest, SaysWhatNeverFits) {
  Keep(std::string(4 * kMiB, 'x'));
  Keep("2");
  Sync();
  EXPECT_THAT(told_, ElementsAre(HasCode(Code::kInvalid), IsOk()));
  EXPECT_THAT(Letters(), ElementsAre("uplink: bad|2"));
  EXPECT_EQ(metrics_.dead_letters.value(), 1);
}

TEST_F(DeadLettersTest, GoesOnAfterAnyPowerCutWithAllThatItToldOf) {
  for (int cut = 1; cut < 60; ++cut) {
    letters_disk_.CutPowerAt(cut);
    told_.clear();
    for (int i = 0; i < 3; ++i) {
      Keep(std::to_string(cut) + " " + std::to_string(i));
      Sync();
    }
    const std::size_t told = told_.size();
    letters_.reset();
    letters_disk_.PowerOn(cut % 2 == 0 ? Unsynced::kLost : Unsynced::kTorn,
                          static_cast<std::uint64_t>(cut));
    OpenLetters();
    Settle();
    const std::vector<std::string> left = Letters();
    for (std::size_t i = 0; i < told; ++i) {
      EXPECT_THAT(left,
                  testing::Contains(EndsWith("|" + std::to_string(cut) + " " + std::to_string(i))));
    }
  }
}

TEST_F(DeadLettersTest, IsAsLargeAsItsQueueAllows) {
  EXPECT_EQ(DeadLetters::MaxBytes(std::uint64_t{1} << 40, kMiB), 64 * kMiB);
  EXPECT_EQ(DeadLetters::MaxBytes(320 * kMiB, kMiB), 20 * kMiB);
  EXPECT_EQ(DeadLetters::MaxBytes(4 * kMiB, kMiB / 2), 4 * kMiB) << "some segments";
  EXPECT_GT(DeadLetters::MaxBytes(64 * kMiB, 16 * kMiB), 48 * kMiB) << "three of the largest";
}

}  // namespace
}  // namespace postern::store
