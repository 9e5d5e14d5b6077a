// A folder that is looked at while a log writes into it: between any two bytes that are read it may
// append, sync, begin a segment, write a checkpoint and remove what was passed on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/queue/offline.h"
#include "lib/queue/testing/log_fixture.h"

namespace postern::queue {
namespace {

using base::IsOk;
using base::Result;
using testing::IsEmpty;
using namespace std::chrono_literals;

// Is told which file is opened, or read, and from where on.
using Meanwhile = std::function<void(const std::string& name, std::uint64_t offset)>;

// Reads a few bytes at a time, and something else happens before each.
class SlowFile final : public fs::File {
 public:
  SlowFile(std::unique_ptr<const fs::File> file, std::size_t step, const Meanwhile& meanwhile)
      : file_(std::move(file)), step_(step), meanwhile_(meanwhile) {}

  const std::string& path() const override { return file_->path(); }
  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> into) const override {
    std::size_t got = 0;
    while (got < into.size()) {
      meanwhile_(path(), offset + got);
      const std::size_t size = std::min(step_, into.size() - got);
      ASSIGN_OR_RETURN(const std::size_t read,
                       file_->ReadAt(offset + got, into.subspan(got, size)));
      got += read;
      if (read < size) break;
    }
    return got;
  }
  Result<std::uint64_t> Size() const override { return file_->Size(); }

  Result<fs::FileId> Id() const override { return file_->Id(); }

  base::Status WriteAt(std::uint64_t, fs::Slices) override { return Refuse(); }
  base::Status Append(fs::Slices) override { return Refuse(); }
  base::Status Shrink(std::uint64_t) override { return Refuse(); }
  base::Status Sync() override { return Refuse(); }

 private:
  static base::Status Refuse() { return base::Fail(base::Code::kDenied, "only read"); }

  std::unique_ptr<const fs::File> file_;
  const std::size_t step_;
  const Meanwhile& meanwhile_;
};

class SlowFolder final : public fs::FolderReader {
 public:
  SlowFolder(std::unique_ptr<fs::FolderReader> folder, std::size_t step, Meanwhile meanwhile)
      : folder_(std::move(folder)), step_(step), meanwhile_(std::move(meanwhile)) {}

  const std::string& path() const override { return folder_->path(); }
  Result<std::unique_ptr<const fs::File>> OpenToRead(const std::string& name) const override {
    meanwhile_(name, 0);
    ASSIGN_OR_RETURN(auto file, folder_->OpenToRead(name));
    // The cursors' file is large and read for each look: its slots have a test of their own.
    const std::size_t step = name == "cursors" ? std::size_t{1} << 21 : step_;
    return std::make_unique<const SlowFile>(std::move(file), step, meanwhile_);
  }
  Result<fs::FileId> IdOf(const std::string& name) const override { return folder_->IdOf(name); }
  Result<std::vector<std::string>> List() const override { return folder_->List(); }

 private:
  std::unique_ptr<fs::FolderReader> folder_;
  const std::size_t step_;
  const Meanwhile meanwhile_;
};

class OfflineLive : public LogFixture, public testing::WithParamInterface<std::size_t> {
 protected:
  OfflineLive() {
    options_.max_bytes = 16 << 20;
    options_.segment_bytes = 4096;
    CHECK(TryOpen(), "a new log opens");
    CHECK(log_->AddCursor("uplink"), "a cursor can be added");
    for (int i = 0; i < 60; ++i) Append();
  }

  void Append() {
    ++next_;
    const std::string text = std::to_string(next_) + std::string(next_ % 7 * 40, '.');
    const auto sequence = log_->Append(From(kEast, next_, text));
    CHECK(sequence, "there is room");
    sequences_.push_back(*sequence);
    const Applied applied = log_->Commit();
    CHECK(applied.records && applied.cursors && applied.checkpoint, "the disk is in order");
  }
  // The reader passes on what is more than 40 records old, so that segments go.
  void PassOn() {
    clock_.Advance(1s);
    const std::uint64_t old = sequences_.at(sequences_.size() - 41);
    CHECK(log_->MarkDone("uplink", 0, old), "there is such a cursor");
    log_->Commit();
  }
  // Removes what can be removed, so that nothing goes later, and begins a new segment.
  void BeginSegment() {
    for (int i = 0; i < 4; ++i) PassOn();
    CHECK(TryOpen(), "the log opens again");
    Append();
  }
  // A folder in which the log goes on between two steps of reading: now not at all, now by some
  // groups at once, so that it is overtaken and overtakes; at most 400 times.
  SlowFolder Busy(std::uint32_t seed, bool passes_on) {
    random_.seed(seed);
    bursts_ = 0;
    return SlowFolder(*disk_.OpenToRead("queue"), GetParam(), [this, passes_on](const auto&, auto) {
      if (random_() % 4 != 0 || ++bursts_ > 400) return;
      for (std::uint32_t left = random_() % 4; left > 0; --left) Append();
      if (passes_on) PassOn();
    });
  }

  std::uint64_t next_ = 0;
  std::vector<std::uint64_t> sequences_;
  std::mt19937 random_;
  int bursts_ = 0;
};

INSTANTIATE_TEST_SUITE_P(BytesAtATime, OfflineLive, testing::Values(8, 40, 100, 512));

TEST_P(OfflineLive, TakesWhatIsBeingWrittenForNoDamage) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    BeginSegment();
    const SlowFolder folder = Busy(seed, false);
    POSTERN_ASSERT_OK_AND_ASSIGN(const Inspection seen, Inspect(folder));
    EXPECT_THAT(seen.damages, IsEmpty());
    EXPECT_GE(seen.records, 40U);
    EXPECT_EQ(seen.removed, 0U);
  }
}

TEST_P(OfflineLive, TakesWhatIsRemovedForPassedOn) {
  std::uint64_t removed = 0;
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const SlowFolder folder = Busy(seed, true);
    POSTERN_ASSERT_OK_AND_ASSIGN(const Inspection seen, Inspect(folder));
    EXPECT_THAT(seen.damages, IsEmpty());
    removed += seen.removed;
    PassOn();
    for (int i = 0; i < 60; ++i) Append();
  }
  EXPECT_GT(removed, 0U) << "or this tests nothing";
}

TEST_P(OfflineLive, ReadsEveryRecordThatWasThereAtTheBegin) {
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    BeginSegment();
    const std::vector<std::string> before = Texts();
    std::vector<std::string> read;
    const SlowFolder folder = Busy(seed, false);
    POSTERN_ASSERT_OK_AND_ASSIGN(const auto damages,
                                 ReadEntries(folder, {}, [&read](const StoredEntry& entry) {
                                   read.emplace_back(entry.body.view());
                                   return base::Status();
                                 }));
    EXPECT_THAT(damages, IsEmpty());
    ASSERT_GE(read.size(), before.size());
    const std::vector<std::string> after = Texts();
    read.resize(std::min(read.size(), after.size()));
    EXPECT_TRUE(std::equal(read.begin(), read.end(), after.begin())) << "and none is left out";
  }
}

TEST_P(OfflineLive, ReadsAgainWhatWasWrittenBehindItsBack) {
  BeginSegment();
  const std::string name = FilesOf(FileKind::kSegment).back();
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto plain, disk_.OpenToRead("queue"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Inspection before, Inspect(*plain));
  const SegmentPart part = before.segments.back().part;
  bool done = false;
  // The reader has seen zeroes where the next group comes to stand, and then sees the later ones.
  const auto write_behind = [&](const std::string& path, std::uint64_t offset) {
    if (done || !path.ends_with(name) || part.position + offset <= part.end) return;
    done = true;
    for (int i = 0; i < 10; ++i) Append();
    ASSERT_EQ(FilesOf(FileKind::kSegment).back(), name) << "all of it in this segment";
  };
  const SlowFolder folder(*disk_.OpenToRead("queue"), GetParam(), write_behind);
  POSTERN_ASSERT_OK_AND_ASSIGN(const Inspection seen, Inspect(folder));
  EXPECT_TRUE(done);
  EXPECT_THAT(seen.damages, IsEmpty());
  EXPECT_EQ(seen.records, before.records + 10);
}

TEST_P(OfflineLive, ListsSegmentsThatAreNewerThanItsFirstLook) {
  bool done = false;
  const auto run_ahead = [&](const std::string& name, std::uint64_t) {
    if (std::exchange(done, done || name == "cursors") || name != "cursors") return;
    for (int i = 0; i < 60; ++i) Append();
    CHECK(log_->MarkDone("uplink", 0, log_->last_sequence()), "there is such a cursor");
    log_->Commit();
  };
  const SlowFolder folder(*disk_.OpenToRead("queue"), GetParam(), run_ahead);
  POSTERN_ASSERT_OK_AND_ASSIGN(const Inspection seen, Inspect(folder));
  EXPECT_TRUE(done);
  EXPECT_EQ(seen.cursors.at(0).behind, 0U);
  EXPECT_EQ(seen.records, 120U);
  EXPECT_THAT(seen.damages, IsEmpty());
}

TEST_P(OfflineLive, LooksAgainWhereTheCheckpointsWereReplaced) {
  PassOn();
  PassOn();
  Append();
  ASSERT_FALSE(FilesOf(FileKind::kCheckpoint).empty());
  bool replaced = false;
  const auto replace = [&](const std::string& name, std::uint64_t) {
    if (replaced || name.find(".marks") == std::string::npos) return;
    replaced = true;
    const auto before = FilesOf(FileKind::kCheckpoint);
    while (FilesOf(FileKind::kCheckpoint).front() <= before.back()) {
      for (int i = 0; i < 60; ++i) Append();
      PassOn();
      PassOn();
    }
  };
  const SlowFolder folder(*disk_.OpenToRead("queue"), GetParam(), replace);
  POSTERN_ASSERT_OK_AND_ASSIGN(const Inspection seen, Inspect(folder));
  EXPECT_TRUE(replaced);
  EXPECT_TRUE(seen.checkpoint);
  EXPECT_THAT(seen.damages, IsEmpty());
}

TEST_P(OfflineLive, StillSeesDamageBelowWhatIsBeingWritten) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto folder, disk_.OpenFolder("queue"));
  const std::string name = FilesOf(FileKind::kSegment).at(1);
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto file, folder->Open(name));
  const std::array<std::string_view, 1> spoiled{"spoiled"};
  ASSERT_THAT(file->WriteAt(kSegmentHeadSize + kGroupHeadSize, spoiled), IsOk());
  const SlowFolder busy = Busy(2, false);
  POSTERN_ASSERT_OK_AND_ASSIGN(const Inspection seen, Inspect(busy));
  ASSERT_EQ(seen.damages.size(), 1U);
  EXPECT_EQ(seen.damages[0].kind, Finding::Kind::kGroups);
}

}  // namespace
}  // namespace postern::queue
