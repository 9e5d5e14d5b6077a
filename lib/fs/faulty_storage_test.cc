// Does the disk that other tests trust to be faulty forget what it should, and nothing else?
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/faulty_storage.h"

namespace postern::fs {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;
using testing::ElementsAre;
using testing::Not;

constexpr std::size_t kSector = FaultyStorage::kSector;

class FaultyStorageTest : public testing::Test {
 protected:
  FaultyStorageTest() { Reopen(); }

  void Reopen() { folder_ = *disk_.OpenFolder("queue"); }
  void CutPower(Unsynced unsynced, std::uint64_t seed = 0) {
    disk_.PowerOn(unsynced, seed);
    Reopen();
  }
  static base::Status Write(File& file, std::uint64_t offset, std::string_view text) {
    const std::array slices{text};
    return file.WriteAt(offset, slices);
  }
  // A file that is wholly on the disk.
  std::unique_ptr<File> Synced(const std::string& name, std::string_view text) {
    auto file = *folder_->Create(name, 0);
    CHECK(Write(*file, 0, text) && file->Sync() && folder_->Sync(), "nothing is faulty yet");
    return file;
  }
  std::string Whole(const std::string& name) {
    const auto file = folder_->Open(name);
    CHECK(file, "the file is there");
    std::string text(*(*file)->Size(), '?');
    CHECK(ReadExactly(**file, 0, text), "a file can be read");
    return text;
  }

  FaultyStorage disk_;
  std::unique_ptr<Folder> folder_;
};

TEST_F(FaultyStorageTest, KeepsWhatWasSyncedAndForgetsTheRest) {
  const auto file = Synced("a", "12345");
  ASSERT_THAT(Write(*file, 2, "xxxxx"), IsOk());
  CutPower(Unsynced::kLost);
  EXPECT_EQ(Whole("a"), "12345");
}

TEST_F(FaultyStorageTest, ForgetsANameWhoseFolderWasNotSynced) {
  auto file = *folder_->Create("a", 10);
  ASSERT_THAT(file->Sync(), IsOk());
  CutPower(Unsynced::kLost);
  EXPECT_THAT(*folder_->List(), ElementsAre());
}

TEST_F(FaultyStorageTest, ForgetsARenameAndARemovalAsAWhole) {
  Synced("a", "new"), Synced("b", "old"), Synced("c", "kept");
  ASSERT_THAT(folder_->Rename("a", "b"), IsOk());
  ASSERT_THAT(folder_->Remove("c"), IsOk());
  CutPower(Unsynced::kLost);
  EXPECT_EQ(Whole("a"), "new");
  EXPECT_EQ(Whole("b"), "old");
  EXPECT_EQ(Whole("c"), "kept");
  ASSERT_THAT(folder_->Rename("a", "b"), IsOk());
  ASSERT_THAT(folder_->Sync(), IsOk());
  CutPower(Unsynced::kLost);
  EXPECT_THAT(*folder_->List(), ElementsAre("b", "c"));
  EXPECT_EQ(Whole("b"), "new");
}

TEST_F(FaultyStorageTest, ChangesNamesByChanceButNeverHalfARename) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    FaultyStorage disk;
    const auto folder = *disk.OpenFolder("queue");
    const auto file = *folder->Create("a", 0);
    ASSERT_THAT(folder->Sync(), IsOk());
    ASSERT_THAT(folder->Rename("a", "b"), IsOk());
    disk.PowerOn(Unsynced::kTorn, seed);
    const auto names = *(*disk.OpenFolder("queue"))->List();
    ASSERT_EQ(names.size(), 1U) << "seed " << seed;
    seen.insert(names.front());
  }
  EXPECT_THAT(seen, ElementsAre("a", "b"));
}

TEST_F(FaultyStorageTest, TearsAtAnySectorAndNowhereElse) {
  const std::string old(4 * kSector, 'o');
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    FaultyStorage disk;
    const auto folder = *disk.OpenFolder("queue");
    const auto file = *folder->Create("a", 0);
    ASSERT_THAT(Write(*file, 0, old), IsOk());
    ASSERT_THAT(file->Sync(), IsOk());
    ASSERT_THAT(folder->Sync(), IsOk());
    ASSERT_THAT(Write(*file, 100, std::string(3 * kSector - 100, 'n')), IsOk());
    disk.PowerOn(Unsynced::kTorn, seed);
    std::string text(old.size(), '?');
    ASSERT_THAT(ReadExactly(**(*disk.OpenFolder("queue"))->Open("a"), 0, text), IsOk());
    EXPECT_EQ(text.substr(0, 100), old.substr(0, 100));
    EXPECT_EQ(text.substr(3 * kSector), old.substr(0, kSector));
    std::string sectors;
    for (const std::size_t from : {std::size_t{100}, kSector, 2 * kSector}) {
      const std::size_t end = (from / kSector + 1) * kSector;
      EXPECT_EQ(text.substr(from, end - from), std::string(end - from, text[from]));
      sectors += text[from];
    }
    seen.insert(sectors);
  }
  EXPECT_EQ(seen.size(), 8U) << "each of the three sectors is old or new on its own";
}

TEST_F(FaultyStorageTest, CutsThePowerAtTheChangeThatWasAskedFor) {
  const auto file = Synced("a", "12345");
  disk_.CutPowerAt(2);
  ASSERT_THAT(Write(*file, 0, "x"), IsOk());
  EXPECT_THAT(file->Sync(), HasCode(Code::kUnavailable));
  EXPECT_FALSE(disk_.power());
  EXPECT_THAT(Write(*file, 0, "x"), FailsWith("the power is off"));
  EXPECT_THAT(folder_->Create("b", 0), Not(IsOk()));
  EXPECT_THAT(folder_->List(), Not(IsOk()));
  const auto before = std::move(folder_);
  CutPower(Unsynced::kLost);
  EXPECT_EQ(Whole("a"), "12345") << "the sync came too late";
  EXPECT_THAT(before->List(), Not(IsOk())) << "handles of the run before are dead";
  EXPECT_THAT(file->Sync(), Not(IsOk()));
}

TEST_F(FaultyStorageTest, FailsSyncsAsOftenAsAskedAndLosesTheirBytes) {
  const auto file = Synced("a", "12345");
  disk_.FailSyncs(1);
  ASSERT_THAT(Write(*file, 0, "lost!"), IsOk());
  EXPECT_THAT(file->Sync(), FailsWith("syncing queue/a"));
  EXPECT_EQ(Whole("a"), "lost!") << "the cache still shows it";
  EXPECT_THAT(file->Sync(), IsOk()) << "the kernel reports a failure once";
  CutPower(Unsynced::kLost);
  EXPECT_EQ(Whole("a"), "12345");
}

TEST_F(FaultyStorageTest, TakesAfterAFailedSyncWhatIsWrittenAgain) {
  const auto file = Synced("a", "12345");
  disk_.FailSyncs(1);
  ASSERT_THAT(Write(*file, 0, "again"), IsOk());
  EXPECT_THAT(file->Sync(), Not(IsOk()));
  ASSERT_THAT(Write(*file, 0, "again"), IsOk());
  EXPECT_THAT(file->Sync(), IsOk());
  CutPower(Unsynced::kLost);
  EXPECT_EQ(Whole("a"), "again");
}

TEST_F(FaultyStorageTest, FailsOnlyTheFilesThatWereNamed) {
  const auto a = Synced("a", ""), b = Synced("b", "");
  disk_.FailSyncs(FaultyStorage::kAlways, "b");
  EXPECT_THAT(a->Sync(), IsOk());
  EXPECT_THAT(b->Sync(), Not(IsOk()));
  EXPECT_THAT(b->Sync(), Not(IsOk()));
  disk_.FailSyncs(0);
  EXPECT_THAT(b->Sync(), IsOk());
}

TEST_F(FaultyStorageTest, WritesHalfWhereAWriteFails) {
  const auto file = Synced("a", "........");
  disk_.FailWrites(1);
  EXPECT_THAT(Write(*file, 0, "12345678"), HasCode(Code::kUnavailable));
  EXPECT_EQ(Whole("a"), "1234....");
  EXPECT_THAT(Write(*file, 0, "12345678"), IsOk());
}

TEST_F(FaultyStorageTest, KnowsAFileAgainAfterAPowerCut) {
  Synced("a", "12345");
  const FileId before = *folder_->IdOf("a");
  CutPower(Unsynced::kLost);
  EXPECT_EQ(*folder_->IdOf("a"), before);
  EXPECT_NE(*(*folder_->Create("b", 0))->Id(), before);
}

TEST_F(FaultyStorageTest, CannotReadASpoiledSectorAndCanReadTheOthers) {
  const auto file = Synced("a", std::string(3 * kSector, 'x'));
  disk_.SpoilSector("queue", "a", kSector + 7);
  std::string text(kSector, '?');
  EXPECT_THAT(file->ReadAt(0, text), IsOk());
  EXPECT_THAT(file->ReadAt(2 * kSector, text), IsOk());
  EXPECT_THAT(file->ReadAt(kSector - 1, std::span(text).first(1)), IsOk());
  EXPECT_THAT(file->ReadAt(kSector - 1, text), HasCode(Code::kUnavailable));
  EXPECT_THAT(file->ReadAt(2 * kSector - 1, text), HasCode(Code::kUnavailable));
  CutPower(Unsynced::kLost);
  EXPECT_THAT((*folder_->Open("a"))->ReadAt(kSector, text), HasCode(Code::kUnavailable));
}

TEST_F(FaultyStorageTest, HasRoomForSoMuchAndGetsBackWhatIsRemoved) {
  disk_.SetFree(1000);
  auto file = *folder_->Create("a", 900);
  EXPECT_THAT(folder_->Create("b", 200), HasCode(Code::kExhausted));
  EXPECT_THAT(Write(*file, 0, std::string(900, 'x')), IsOk()) << "its room is taken already";
  EXPECT_THAT(Write(*file, 900, std::string(101, 'x')), HasCode(Code::kExhausted));
  EXPECT_EQ(disk_.free(), 100U);
  ASSERT_THAT(file->Shrink(500), IsOk());
  EXPECT_EQ(disk_.free(), 500U);
  ASSERT_THAT(folder_->Remove("a"), IsOk());
  EXPECT_EQ(disk_.free(), 1000U);
  EXPECT_THAT(folder_->Create("b", 1000), IsOk());
}

TEST_F(FaultyStorageTest, FailsToOpenWhatItIsToldTo) {
  Synced("a", "12345");
  Synced("b", "12345");
  disk_.FailOpens(2, "a", Code::kDenied);
  EXPECT_THAT(folder_->Open("a"), HasCode(Code::kDenied));
  EXPECT_THAT(folder_->Open("b"), IsOk());
  EXPECT_THAT(folder_->OpenToRead("a"), HasCode(Code::kDenied));
  EXPECT_THAT(folder_->Open("a"), IsOk());
}

TEST_F(FaultyStorageTest, KeepsTheCacheWhenOnlyTheProcessDies) {
  const auto file = Synced("a", "12345");
  const auto lock = folder_->Lock("lock");
  ASSERT_THAT(Write(*file, 0, "cache"), IsOk());
  disk_.KillProcess();
  Reopen();
  EXPECT_EQ(Whole("a"), "cache");
  EXPECT_THAT(file->Sync(), Not(IsOk())) << "the dead process syncs nothing";
  EXPECT_THAT(folder_->Lock("lock"), IsOk()) << "and holds nothing";
  CutPower(Unsynced::kLost);
  EXPECT_EQ(Whole("a"), "12345") << "nobody synced it";
}

}  // namespace
}  // namespace postern::fs
