#include "sidecar/store/reader.h"

#include <gmock/gmock.h>

#include "lib/base/testing/matchers.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ReaderTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
  // So much that memory keeps nothing of what follows.
  void FillCache(Reader& slow) {
    ASSERT_EQ(slow.position(), slow.floor());
    for (int i = 0; i < 20; ++i) Commit({std::string(10'000, 'f')});
  }
};

TEST_F(ReaderTest, ShowsWhatIsSyncedAndSaysWhenThereIsMore) {
  const auto uplink = MakeReader();
  int told = 0;
  uplink->OnReady([&told] { ++told; });
  EXPECT_EQ(uplink->Peek(), nullptr);
  ASSERT_TRUE(Append("one"));
  loop_.RunUntilIdle();
  EXPECT_EQ(uplink->Peek(), nullptr) << "not synced yet";
  EXPECT_EQ(told, 0);
  Sync();
  EXPECT_EQ(told, 1);
  EXPECT_THAT(Read(*uplink), ElementsAre("one"));
  EXPECT_EQ(uplink->Peek(), nullptr);
}

TEST_F(ReaderTest, ReadsBackFromTheDiskWhatMemoryDoesNotHold) {
  const auto slow = MakeReader("slow");
  FillCache(*slow);
  const auto fast = MakeReader("fast");
  Commit({"a", "b"});
  const std::vector<std::string> all = Read(*slow);
  ASSERT_EQ(all.size(), 22U);
  EXPECT_EQ(all.back(), "b");
  EXPECT_EQ(Read(*fast), all);
}

TEST_F(ReaderTest, GoesBackToWhatItHasPassed) {
  const auto uplink = MakeReader();
  Commit({"one", "two", "three"});
  const std::uint64_t first = uplink->Peek()->sequence;
  EXPECT_EQ(Read(*uplink).size(), 3U);
  uplink->SeekAfter(first);
  EXPECT_THAT(Read(*uplink), ElementsAre("two", "three"));
  Commit({"four"});
  uplink->SeekAfter(first - 1);
  EXPECT_THAT(Read(*uplink), ElementsAre("one", "two", "three", "four"));
}

TEST_F(ReaderTest, GoesOnAfterARestartWhereItWasDone) {
  auto uplink = MakeReader();
  Commit({"one", "two", "three"});
  const std::uint64_t first = uplink->Peek()->sequence;
  Read(*uplink);
  ASSERT_TRUE(uplink->Done(uplink->floor(), first));
  Sync();
  uplink.reset();
  Open();
  uplink = MakeReader();
  EXPECT_EQ(uplink->floor(), first);
  EXPECT_THAT(Read(*uplink), ElementsAre("two", "three"));
}

TEST_F(ReaderTest, ReadsOnFromAnyPlaceBetweenMemoryAndDisk) {
  const auto slow = MakeReader("slow");
  FillCache(*slow);
  Commit({"a", "b", "c"});
  const std::vector<std::string> all = Read(*slow);
  const std::uint64_t last = slow->position();
  for (std::uint64_t back = 0; back <= all.size(); ++back) {
    slow->SeekAfter(last - back);
    EXPECT_EQ(Read(*slow),
              std::vector<std::string>(all.end() - static_cast<std::ptrdiff_t>(back), all.end()))
        << back;
  }
}

TEST_F(ReaderTest, TriesAgainWhereTheDiskCannotBeRead) {
  const auto uplink = MakeReader();
  Commit({"one"});
  EXPECT_TRUE(!uplink->AtEnd());
  EXPECT_THAT(Read(*uplink), ElementsAre("one"));
  EXPECT_THAT(Read(*uplink), IsEmpty());
  ASSERT_TRUE(uplink->Done(uplink->floor(), uplink->position()));
  EXPECT_TRUE(uplink->AtEnd());
}

TEST_F(ReaderTest, EvictsWhatIsFurtherBehindThanItMayBe) {
  auto made = Reader::Make(*store_, "slow", {.max_behind = std::uint64_t{2} << 20});
  ASSERT_TRUE(made);
  const auto waits = MakeReader("waits");
  Reader& slow = **made;
  EXPECT_EQ(slow.too_far_behind(), 0U);
  Commit({"first"});
  const Kept first = *slow.Peek();
  for (int i = 0; i < 19; ++i) Commit({std::string(100'000, 'x')});
  EXPECT_EQ(slow.WhyDropped(first), std::nullopt) << "less than 2 MiB stand above it";
  for (int i = 0; i < 5; ++i) Commit({std::string(100'000, 'x')});
  EXPECT_EQ(slow.WhyDropped(first), Reason::kEvicted);
  EXPECT_GE(slow.too_far_behind(), first.sequence);
  EXPECT_EQ(slow.WhyDropped({.sequence = store_->synced_through(), .age = 0, .record = {}}),
            std::nullopt);
  EXPECT_EQ(waits->WhyDropped(first), std::nullopt);
  EXPECT_GE(slow.bytes_behind(), 2'400'000U);
  ASSERT_TRUE(slow.Done(0, store_->synced_through()));
  EXPECT_EQ(slow.bytes_behind(), 0U);
}

TEST_F(ReaderTest, FindsARecordAgainWhereverItStands) {
  const auto uplink = MakeReader();
  Commit({"one", "two", "three"});
  const std::uint64_t last = store_->synced_through();
  EXPECT_THAT(Read(*uplink), ElementsAre("one", "two", "three"));
  const auto two = uplink->Find(last - 1);
  ASSERT_TRUE(two && *two);
  EXPECT_EQ((*two)->sequence, last - 1);
  EXPECT_EQ((*two)->record->body.view(), "two");
  EXPECT_EQ(uplink->position(), last) << "it stands where it stood";
  EXPECT_FALSE(*uplink->Find(last + 1000));
}

}  // namespace
}  // namespace postern::store
