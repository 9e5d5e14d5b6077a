// What a LineFile keeps over kills, power cuts and disks that fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/check.h"
#include "lib/base/testing/fake_clock.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/faulty_storage.h"
#include "sidecar/backend/line_file.h"

namespace postern::backend {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using fs::FaultyStorage;
using fs::Unsynced;
using namespace std::chrono_literals;

constexpr record::StoreId kStore = {1, 2, 3};
constexpr const char* kFolder = "out";

// The line of a record: of any length, so that lines begin anywhere in a sector.
std::string LineOf(std::uint64_t sequence) {
  return "{" + std::to_string(sequence) + std::string(sequence * 197 % 1500, '.') + "}\n";
}
std::string LinesThrough(std::uint64_t through) {
  std::string lines;
  for (std::uint64_t sequence = 1; sequence <= through; ++sequence) lines += LineOf(sequence);
  return lines;
}

class LineFileFaults : public testing::Test {
 protected:
  // A process that begins.
  void Begin() {
    file_ = std::make_unique<LineFile>(disk_, kFolder, "logs");
    CHECK(disk_.OpenFolder(kFolder), "there is power");
  }
  void Fresh() {
    disk_ = FaultyStorage();
    Begin();
  }
  base::Status Open() { return file_->Open(clock_.Now()); }
  // What a feed does: goes on behind what the file has.
  base::Status AppendNext() {
    RETURN_IF_ERROR(Open());
    const std::uint64_t next = file_->Through(kStore) + 1;
    return file_->Append(LineOf(next), {.store = kStore, .through = next});
  }
  void AppendThrough(std::uint64_t through) {
    while (file_->Through(kStore) < through) ASSERT_THAT(AppendNext(), IsOk());
  }
  std::string Whole(const std::string& name = "logs.jsonl") {
    const auto file = (*disk_.OpenFolder(kFolder))->Open(name);
    if (!file) return "no file";
    std::string text(*(*file)->Size(), '?');
    CHECK(fs::ReadExactly(**file, 0, text), "a file can be read");
    return text;
  }
  void Rename(const std::string& from, const std::string& to) {
    const auto folder = disk_.OpenFolder(kFolder);
    ASSERT_THAT((*folder)->Rename(from, to), IsOk());
    ASSERT_THAT((*folder)->Sync(), IsOk());
  }
  void PowerOn(std::uint64_t seed) {
    disk_.PowerOn(seed == 0 ? Unsynced::kLost : Unsynced::kTorn, seed);
    Begin();
  }
  // Whether it opens and holds every line once, through what it says, and that is in the bounds.
  void ExpectWhole(std::uint64_t at_least, std::uint64_t at_most) {
    ASSERT_THAT(Open(), IsOk());
    const std::uint64_t through = file_->Through(kStore);
    EXPECT_GE(through, at_least) << "what was answered is there";
    EXPECT_LE(through, at_most);
    EXPECT_EQ(Whole(), LinesThrough(through));
  }

  FaultyStorage disk_;
  base::FakeClock clock_;
  std::unique_ptr<LineFile> file_;
};

TEST_F(LineFileFaults, KeepsWhatItAnsweredAndRepeatsNothingOverAPowerCutAtAnyChange) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    for (int cut = 1; cut < 40; ++cut) {
      SCOPED_TRACE("cut at " + std::to_string(cut) + " with " + std::to_string(seed));
      Fresh();
      disk_.CutPowerAt(cut);
      std::uint64_t answered = 0;
      while (disk_.power()) {
        if (AppendNext()) ++answered;
      }
      PowerOn(seed);
      ASSERT_NO_FATAL_FAILURE(ExpectWhole(answered, answered + 1));
      AppendThrough(answered + 3);
      EXPECT_EQ(Whole(), LinesThrough(answered + 3));
    }
  }
}

// The process that recovers loses its power too.
TEST_F(LineFileFaults, RecoversFromAPowerCutInItsRecovery) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    for (int first = 8; first < 24; ++first) {
      for (int second = 1; second < 12; ++second) {
        SCOPED_TRACE(std::to_string(first) + " " + std::to_string(second) + " " +
                     std::to_string(seed));
        Fresh();
        disk_.CutPowerAt(first);
        std::uint64_t answered = 0;
        while (disk_.power()) {
          if (AppendNext()) ++answered;
        }
        PowerOn(seed);
        disk_.CutPowerAt(second);
        for (int i = 0; i < 3; ++i) {
          if (Open()) answered = std::max(answered, file_->Through(kStore));
          if (AppendNext()) ++answered;
        }
        PowerOn(seed + 1);
        ASSERT_NO_FATAL_FAILURE(ExpectWhole(answered, answered + 1));
      }
    }
  }
}

TEST_F(LineFileFaults, KeepsWholeLinesOverAKillAtAnyChangeAndAPowerCutAfterIt) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    for (int kill = 1; kill < 30; ++kill) {
      SCOPED_TRACE("killed at " + std::to_string(kill) + " with " + std::to_string(seed));
      Fresh();
      disk_.CutPowerAt(kill);
      std::uint64_t answered = 0;
      while (disk_.power()) {
        if (AppendNext()) ++answered;
      }
      disk_.KillProcess();
      Begin();
      ASSERT_NO_FATAL_FAILURE(ExpectWhole(answered, answered + 1));
      const std::uint64_t told = file_->Through(kStore);
      PowerOn(seed);
      ASSERT_NO_FATAL_FAILURE(ExpectWhole(told, told));
    }
  }
}

// The kernel shows bytes that it could not write and calls them clean: only writing them again
// brings them to the disk.
TEST_F(LineFileFaults, BelievesNoBytesOfAProcessWhoseSyncFailed) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Fresh();
    AppendThrough(3);
    disk_.FailSyncs(1, "logs.jsonl");
    disk_.CutPowerAt(5);  // begun, synced, appended, a sync that fails, killed before the cut
    EXPECT_FALSE(AppendNext());
    ASSERT_FALSE(disk_.power());
    disk_.KillProcess();
    Begin();
    ASSERT_NO_FATAL_FAILURE(ExpectWhole(4, 4));
    PowerOn(seed);
    ASSERT_NO_FATAL_FAILURE(ExpectWhole(4, 4));
  }
}

TEST_F(LineFileFaults, AnswersNoLineWhoseSyncFailedAndWritesItOnceLater) {
  for (const int times : {1, 5}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Fresh();
      AppendThrough(4);
      disk_.FailSyncs(times, "logs.jsonl");
      for (int i = 0; i < times; ++i) {
        EXPECT_THAT(AppendNext(), HasCode(Code::kUnavailable));
        EXPECT_EQ(Whole(), LinesThrough(4)) << "seen from outside it did not happen";
      }
      AppendThrough(6);
      EXPECT_EQ(Whole(), LinesThrough(6));
      PowerOn(seed);
      ASSERT_NO_FATAL_FAILURE(ExpectWhole(6, 6));
    }
  }
}

TEST_F(LineFileFaults, AppendsNothingWhereItsStateCannotBeSynced) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Fresh();
    AppendThrough(4);
    disk_.FailSyncs(3, ".logs.state");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(AppendNext(), HasCode(Code::kUnavailable));
    EXPECT_EQ(Whole(), LinesThrough(4));
    AppendThrough(5);
    PowerOn(seed);
    ASSERT_NO_FATAL_FAILURE(ExpectWhole(5, 5));
  }
}

TEST_F(LineFileFaults, CutsHalfALineThatAFaultLeft) {
  Fresh();
  AppendThrough(3);
  disk_.FailWrites(2, "logs.jsonl");
  EXPECT_FALSE(AppendNext());
  EXPECT_FALSE(AppendNext());
  EXPECT_EQ(Whole(), LinesThrough(3));
  AppendThrough(4);
  EXPECT_EQ(Whole(), LinesThrough(4));
}

TEST_F(LineFileFaults, WaitsForRoomOnAFullDisk) {
  Fresh();
  AppendThrough(3);
  disk_.SetFree(100);
  EXPECT_THAT(AppendNext(), HasCode(Code::kUnavailable));
  disk_.KillProcess();
  Begin();
  ASSERT_NO_FATAL_FAILURE(ExpectWhole(3, 3));
  disk_.SetFree(100'000);
  AppendThrough(9);
  EXPECT_EQ(Whole(), LinesThrough(9));
}

TEST_F(LineFileFaults, FindsItsLinesInAFileThatWasRotatedAway) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (int cut = 1; cut <= 4; ++cut) {
      SCOPED_TRACE(std::to_string(cut) + " " + std::to_string(seed));
      Fresh();
      AppendThrough(3);
      disk_.CutPowerAt(cut);
      EXPECT_FALSE(AppendNext());
      PowerOn(seed);
      Rename("logs.jsonl", "logs.jsonl.1");
      ASSERT_THAT(Open(), IsOk());
      const std::uint64_t through = file_->Through(kStore);
      EXPECT_EQ(Whole("logs.jsonl.1"), LinesThrough(through));
      AppendThrough(through + 2);
      EXPECT_EQ(Whole(), LineOf(through + 1) + LineOf(through + 2));
    }
  }
}

TEST_F(LineFileFaults, KeepsItsPlaceWhereTheFileIsRotatedOrGone) {
  Fresh();
  AppendThrough(3);
  Rename("logs.jsonl", "logs.jsonl.1");
  clock_.Advance(1s);
  AppendThrough(5);
  EXPECT_EQ(Whole(), LineOf(4) + LineOf(5));
  ASSERT_THAT((*disk_.OpenFolder(kFolder))->Remove("logs.jsonl"), IsOk());
  disk_.KillProcess();
  Begin();
  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(file_->Through(kStore), 5U) << "who removed it had them";
}

TEST_F(LineFileFaults, LeavesAForeignFileAloneThatGotTheNumber) {
  Fresh();
  AppendThrough(3);
  disk_.CutPowerAt(3);  // begun, and not appended
  EXPECT_FALSE(AppendNext());
  disk_.PowerOn(Unsynced::kLost);
  Begin();
  const std::string foreign = LinesThrough(3) + std::string(5000, 'f') + "\n";
  const auto file = *(*disk_.OpenFolder(kFolder))->Open("logs.jsonl");
  const std::array<std::string_view, 1> slices{foreign};
  ASSERT_THAT(file->WriteAt(0, slices), IsOk());
  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(file_->Through(kStore), 3U);
  EXPECT_EQ(Whole(), foreign);
}

TEST_F(LineFileFaults, KnowsNothingOfAnotherStore) {
  Fresh();
  AppendThrough(3);
  EXPECT_EQ(file_->Through({9}), 0U);
  ASSERT_THAT(file_->Append("other\n", {.store = {9}, .through = 1}), IsOk());
  EXPECT_EQ(file_->Through({9}), 1U);
  EXPECT_EQ(file_->Through(kStore), 0U);
}

}  // namespace
}  // namespace postern::backend
