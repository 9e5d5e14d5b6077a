// A log of many segments below a checkpoint: how little an opening reads of it, and that whatever
// is damaged there is told once, by the opening or by who reads it, before anything behind it.
#include "lib/queue/internal/log_opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/queue/testing/folder_image.h"
#include "lib/queue/testing/log_fixture.h"

namespace postern::queue {
namespace {

using base::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr std::uint64_t kSegment = 1600;
constexpr std::size_t kGroups = 40;  // of one record each, three in a segment

class LogOpeningTest : public LogFixture {
 protected:
  LogOpeningTest() {
    options_.segment_bytes = kSegment;
    options_.max_bytes = 1 << 20;
    CHECK(TryOpen(), "a new log opens");
    CHECK(log_->AddCursor("a"), "a cursor can be added");
    Write(kGroups);
    clock_.Advance(2s);
    log_->Commit();
    image_ = Image();
    segments_ = FilesOf(FileKind::kSegment);
    checkpoints_ = FilesOf(FileKind::kCheckpoint);
  }

  void Write(std::size_t groups) {
    for (std::size_t i = 0; i < groups; ++i) {
      const std::string text = "group " + std::to_string(texts_.size()) + std::string(200, '.');
      const auto sequence = log_->Append(From(kEast, texts_.size() + 1, text));
      CHECK(sequence && log_->Commit().records, "there is room, and the disk is in order");
      texts_.push_back(text);
      sequences_.push_back(*sequence);
    }
  }
  void AddMarks(std::uint8_t senders) {
    for (std::uint8_t i = 0; i < senders; ++i) {
      const Sender sender{.member = std::string(40, 'm'), .store = {i}};
      CHECK(log_->Append(From(sender, 1, "")), "there is room");
    }
    CHECK(log_->Commit().records, "the disk is in order");
  }
  // Commits; returns how many bytes of marks went into a checkpoint.
  std::uint64_t CommitCounting() {
    std::optional<Work> work = log_->Collect();
    CHECK(work, "there is something to do");
    const std::uint64_t bytes = work->checkpoint ? work->checkpoint->marks.size() : 0;
    log_->Apply(log_->writer().Do(*std::move(work)));
    return bytes;
  }
  FolderImage Image() { return ReadImage(**disk_.OpenFolder("queue")); }
  void OpenImage(const FolderImage& image) {
    log_.reset();
    disk_ = fs::FaultyStorage();
    WriteImage(image, **disk_.OpenFolder("queue"));
    Open();
  }
  static std::uint64_t At(const std::string& segment) {
    return *PositionIn(segment, FileKind::kSegment);
  }
  std::uint64_t Checkpoint() { return *PositionIn(checkpoints_.back(), FileKind::kCheckpoint); }
  // Bytes of segments that an opening of this image reads; the cursors' slots are half a megabyte.
  std::uint64_t ReadByOpening(const FolderImage& image) {
    OpenImage(image);
    return disk_.bytes_read(".log");
  }
  // What an opening may read: heads, and twice what is above `from` and the last two segments: to
  // find the groups and to read their marks.
  std::uint64_t Bound(std::uint64_t from) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      const bool above = i + 1 == segments_.size() || At(segments_[i + 1]) > from;
      const bool whole = above || i + 2 >= segments_.size();
      bytes += kSegmentHeadSize + (whole ? 3 * image_.at(segments_[i]).size() : 0);
    }
    return bytes;
  }

  // Reads all and expects every record but those of at most `groups`, which were told of before
  // what is behind them was handed out, with bounds that they lie in. Returns the damages, the
  // opening's first; nothing but they may be told by another reader.
  std::vector<Damage> ReadTelling(std::size_t groups) {
    LogReader reader(*log_);
    std::vector<Damage> told = log_->report().damages;
    std::size_t next = 0;
    std::size_t lost = 0;
    for (std::uint64_t after = 0;;) {
      const auto entries = reader.Read(after);
      EXPECT_THAT(entries, IsOk());
      for (const Damage& damage : reader.TakeDamages()) told.push_back(damage);
      if (!entries || entries->empty()) break;
      after = entries->back().sequence;
      for (; next < sequences_.size() && sequences_[next] < after; ++next, ++lost) {
        EXPECT_TRUE(Tells(told, sequences_[next])) << texts_[next] << " is gone and nobody says so";
      }
      if (next == sequences_.size()) break;
      EXPECT_EQ(entries->front().body.view(), texts_[next++]);
    }
    EXPECT_LE(lost + texts_.size() - next, groups);
    EXPECT_EQ(told.empty(), lost == 0) << "what is told of is lost";
    EXPECT_EQ(log_->SyncedMark(kEast).sequence, next) << "marks are the checkpoint's";
    LogReader second(*log_);
    EXPECT_THAT(second.Read(0), IsOk());
    EXPECT_THAT(second.TakeDamages(), IsEmpty()) << "each is told once";
    return told;
  }
  static bool Tells(const std::vector<Damage>& damages, std::uint64_t sequence) {
    return std::any_of(damages.begin(), damages.end(), [sequence](const Damage& one) {
      return one.after < sequence && sequence < one.before;
    });
  }

  FolderImage image_;
  std::vector<std::string> segments_;
  std::vector<std::string> checkpoints_;
  std::vector<std::string> texts_;
  std::vector<std::uint64_t> sequences_;
};

TEST_F(LogOpeningTest, WritesCheckpointsThoughNoSegmentGoes) {
  ASSERT_THAT(segments_, SizeIs(14));
  ASSERT_THAT(checkpoints_, SizeIs(2)) << "the newest two are kept";
  EXPECT_GT(Checkpoint() + 5 * kSegment, At(segments_.back())) << "one every four segments";
}

TEST_F(LogOpeningTest, WritesCheckpointsRarelyWhereTheyAreBig) {
  OpenImage({});
  AddMarks(100);  // which take four segments
  std::uint64_t checkpoints = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THAT(log_->Append(Own(std::string(250, 'x'))), IsOk());
    checkpoints += CommitCounting();
  }
  EXPECT_GT(checkpoints, 0U);
  EXPECT_LT(checkpoints, log_->segments() * kSegment / 6) << "of what is written";
}

TEST_F(LogOpeningTest, RemovesSegmentsWithTheNextCheckpointWhereMarksAreMany) {
  OpenImage({});
  AddMarks(100);  // whose checkpoint is worth 32 segments
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  std::uint64_t checkpoints = 0;
  std::size_t most_segments = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THAT(log_->Append(Own(std::string(250, 'x'))), IsOk());
    checkpoints += CommitCounting();
    ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
    most_segments = std::max(most_segments, log_->segments());
  }
  EXPECT_GT(checkpoints, 0U);
  EXPECT_LT(checkpoints, 1000 / 3 * kSegment / 6) << "of what is written, three to a segment";
  EXPECT_LT(most_segments, 40U) << "and what is done goes with them";
}

TEST_F(LogOpeningTest, DoesNotLetRemovalWaitWhereRoomIsShort) {
  options_.max_bytes = 20 * kSegment;
  OpenImage({});
  AddMarks(100);
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  for (int i = 0; i < 500; ++i) {
    ASSERT_THAT(log_->Append(Own(std::string(250, 'x'))), IsOk()) << "full of what is done";
    log_->Commit();
    ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  }
  const std::size_t before = log_->segments();
  ASSERT_GT(before, 1U);
  disk_.SetFree(0);
  while (log_->Append(Own(std::string(250, 'x'))) && log_->Commit().records) continue;
  clock_.Advance(2s);
  log_->Commit();
  log_->Commit();
  EXPECT_LT(log_->segments(), before) << "nor where it is the disk's";
  disk_.SetFree(1 << 20);
  while (log_->Append(Own(std::string(250, 'x')))) {
    ASSERT_THAT(log_->Commit().records, IsOk());
  }
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  for (int i = 0; i < 3; ++i) log_->Commit();
  EXPECT_EQ(log_->segments(), 1U) << "somebody was refused";
}

TEST_F(LogOpeningTest, ReadsNoMoreThanHeadsBelowTheCheckpoint) {
  EXPECT_LE(ReadByOpening(image_), Bound(Checkpoint()));
  EXPECT_THAT(ReadTelling(0), IsEmpty());
  Write(120);  // 40 segments more
  image_ = Image();
  segments_ = FilesOf(FileKind::kSegment);
  checkpoints_ = FilesOf(FileKind::kCheckpoint);
  ASSERT_GT(segments_.size(), 50U);
  EXPECT_LE(ReadByOpening(image_), Bound(Checkpoint()));
  EXPECT_LT(Bound(Checkpoint()), segments_.size() * kSegment / 2) << "a bound that says something";
  EXPECT_THAT(ReadTelling(0), IsEmpty());
}

TEST_F(LogOpeningTest, TellsOfEverySpoiledByteOnceWhoeverFindsIt) {
  std::size_t by_reading = 0;
  for (const std::string& name : segments_) {
    for (std::size_t i = 0; i < image_[name].size(); i += 37) {
      SCOPED_TRACE(testing::Message() << name << ", byte " << i);
      FolderImage image = image_;
      image[name][i] ^= 0x10;
      OpenImage(image);
      const bool found_by_opening = !log_->report().damages.empty();
      const std::vector<Damage> told = ReadTelling(1);
      EXPECT_LE(told.size(), 1U);
      if (!told.empty() && !found_by_opening) ++by_reading;
      for (const Damage& damage : told) {
        const std::string aside = FileName(FileKind::kDamaged, damage.from);
        EXPECT_FALSE(damage.known);
        EXPECT_LE(damage.from, At(name) + i);
        EXPECT_GT(damage.to, At(name) + i);
        EXPECT_TRUE(Image().contains(aside)) << "set aside for people";
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(by_reading, 100U);
}

TEST_F(LogOpeningTest, SetsAsideWhatAReaderFindsAsAnOpeningDoes) {
  FolderImage image = image_;
  const std::string& name = segments_[2];
  for (const std::size_t i : {kSegmentHeadSize + 100, image[name].size() - 20}) {
    image[name][i] ^= 1;  // the first group and the last
  }
  OpenImage(image);
  const std::vector<Damage> read = ReadTelling(2);
  ASSERT_THAT(read, SizeIs(2));
  Open();
  std::vector<Damage> again = ReadTelling(2);
  for (Damage& damage : again) EXPECT_TRUE(std::exchange(damage.known, false)) << "counted before";
  EXPECT_EQ(again, read);

  for (const std::string& checkpoint : checkpoints_) image.erase(checkpoint);
  OpenImage(image);
  const std::vector<Damage>& opened = log_->report().damages;
  EXPECT_EQ(opened, read) << "the same places and sequences, whoever finds them";
  for (const Damage& damage : read) {
    const std::string bytes = Image().at(FileName(FileKind::kDamaged, damage.from));
    EXPECT_NE(bytes.find("group "), std::string::npos);
  }
}

TEST_F(LogOpeningTest, DoesNotTellOfWhatNobodyNeeds) {
  ASSERT_THAT(log_->MarkDone("a", 0, sequences_[7]), IsOk());
  clock_.Advance(2s);
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work);
  work->remove.clear();
  log_->Apply(log_->writer().Do(*std::move(work)));
  FolderImage image = Image();
  image[segments_[2]][kSegmentHeadSize + 100] ^= 1;  // records 6, 7 and 8
  OpenImage(image);
  LogReader reader(*log_);
  ASSERT_THAT(reader.Read(0), IsOk());
  for (std::uint64_t after = 0;;) {
    const auto entries = reader.Read(after);
    ASSERT_THAT(entries, IsOk());
    if (entries->empty()) break;
    after = entries->back().sequence;
  }
  EXPECT_THAT(reader.TakeDamages(), IsEmpty());
}

TEST_F(LogOpeningTest, ReadsWholeWhatADamagedHeadDoesNotBound) {
  const std::uint64_t before = ReadByOpening(image_);
  FolderImage image = image_;
  image[segments_[4]][40] ^= 1;
  const std::uint64_t one_segment = image[segments_[4]].size();
  EXPECT_LE(ReadByOpening(image), before + 2 * one_segment);
  EXPECT_THAT(ReadTelling(0), IsEmpty()) << "no group is lost with a head";

  for (const std::size_t hit : {3U, 4U, 5U}) {
    FolderImage both = image;
    both[segments_[hit]][kSegmentHeadSize + 400] ^= 1;
    OpenImage(both);
    EXPECT_THAT(log_->report().damages, SizeIs(hit == 5 ? 0 : 1)) << hit;
    EXPECT_THAT(ReadTelling(1), SizeIs(1)) << hit;
  }
}

TEST_F(LogOpeningTest, GoesBackToAnOlderCheckpointWhereTheNewestIsTorn) {
  FolderImage image = image_;
  std::string& newest = image[checkpoints_.back()];
  newest.replace(newest.size() / 2, newest.size(), newest.size() - newest.size() / 2, '\0');
  const std::uint64_t older = *PositionIn(checkpoints_.front(), FileKind::kCheckpoint);
  EXPECT_LE(ReadByOpening(image), Bound(older));
  EXPECT_TRUE(log_->report().lost_checkpoint);
  EXPECT_THAT(FilesOf(FileKind::kCheckpoint), ElementsAre(checkpoints_.front()));
  EXPECT_THAT(ReadTelling(0), IsEmpty());

  image[checkpoints_.front()].resize(10);
  image[segments_[1]][kSegmentHeadSize + 100] ^= 1;
  OpenImage(image);
  EXPECT_THAT(FilesOf(FileKind::kCheckpoint), IsEmpty());
  EXPECT_THAT(log_->report().damages, SizeIs(1)) << "without one all is read";
  EXPECT_THAT(ReadTelling(1), SizeIs(1));
}

// Two segments that were begun and hold nothing: the last group, its age and marks above the
// checkpoint are in one that the heads alone would bound.
TEST_F(LogOpeningTest, ReadsAllWhereTheLastTwoSegmentsTellNothing) {
  Open();  // cuts the last segment to what it holds
  FolderImage image = Image();
  const std::string& last = segments_.back();
  SegmentHead head = *ParseSegmentHead(image[last].substr(0, kSegmentHeadSize));
  const std::uint64_t end = At(last) + image[last].size();
  auto checkpoint = *ParseCheckpoint(image[checkpoints_.back()], head.tag, Checkpoint());
  checkpoint.position = end;
  image[FileName(FileKind::kCheckpoint, end)] = EncodeCheckpoint(checkpoint, head.tag);
  head.former_end = end;
  head.first_sequence = sequences_.back() + 1;
  for (int i = 0; i < 2; ++i) {
    head.position += kSegment;
    image[FileName(FileKind::kSegment, head.position)] = EncodeSegmentHead(head);
  }
  OpenImage(image);
  EXPECT_THAT(ReadTelling(0), IsEmpty());
  EXPECT_EQ(log_->synced_through(), sequences_.back());
}

TEST_F(LogOpeningTest, MissesNoCheckpointThatANewerOneReplaced) {
  Open();  // cuts the last segment to what it holds
  FolderImage image = Image();
  const std::uint64_t end = At(segments_.back()) + image[segments_.back()].size();
  const Tag tag = ParseSegmentHead(image[segments_[0]].substr(0, kSegmentHeadSize))->tag;
  auto newer = *ParseCheckpoint(image[checkpoints_.back()], tag, Checkpoint());
  newer.position = end;
  for (const std::string& name : checkpoints_) image.erase(name);  // and one that a head names
  OpenImage(image);
  EXPECT_TRUE(log_->report().lost_checkpoint);
  image[FileName(FileKind::kCheckpoint, end)] = EncodeCheckpoint(newer, tag);
  OpenImage(image);
  EXPECT_FALSE(log_->report().lost_checkpoint);
  EXPECT_THAT(ReadTelling(0), IsEmpty());
}

TEST_F(LogOpeningTest, MissesCursorsOnlyWhereThereWereAny) {
  FolderImage without = image_;
  for (const std::string& name : checkpoints_) without.erase(name);
  const std::size_t size = image_["cursors"].size();
  const struct {
    const char* when;
    const FolderImage& rest;
    std::optional<std::string> cursors;
    bool lost;
  } kCases[] = {
      {"they are whole", image_, image_["cursors"], false},
      {"they were made and never written", without, std::string(size, '\0'), false},
      {"their making was cut short", without, "", false},
      {"they are spoilt", without, std::string(size, 'x'), true},
      {"their file is gone", without, std::nullopt, true},
      {"they are blank, though a checkpoint knows some", image_, std::string(size, '\0'), true},
  };
  for (const auto& c : kCases) {
    FolderImage image = c.rest;
    image.erase("cursors");
    if (c.cursors) image["cursors"] = *c.cursors;
    OpenImage(image);
    EXPECT_EQ(log_->report().lost_cursors, c.lost) << c.when;
  }
}

TEST_F(LogOpeningTest, OpensThoughSectorsCannotBeRead) {
  log_.reset();
  disk_ = fs::FaultyStorage();
  WriteImage(image_, **disk_.OpenFolder("queue"));
  disk_.SpoilSector("queue", checkpoints_.back(), 0);
  disk_.SpoilSector("queue", segments_[2], kSegmentHeadSize + 100);
  Open();
  EXPECT_THAT(log_->report().damages, IsEmpty());
  EXPECT_THAT(ReadTelling(3), SizeIs(1)) << "a sector damages what stands there";
}

TEST_F(LogOpeningTest, TellsOfASegmentBelowTheCheckpointThatCannotBeOpened) {
  const FolderImage gone = [this] {
    FolderImage image = image_;
    image.erase(segments_[3]);
    return image;
  }();
  OpenImage(gone);
  const std::vector<Damage> missing = log_->report().damages;
  log_.reset();
  disk_ = fs::FaultyStorage();
  WriteImage(image_, **disk_.OpenFolder("queue"));
  disk_.FailOpens(fs::FaultyStorage::kAlways, segments_[3], base::Code::kDenied);
  Open();
  EXPECT_EQ(log_->report().damages, missing) << "as if it were not there";
  EXPECT_THAT(ReadTelling(3), SizeIs(1));
}

TEST_F(LogOpeningTest, TellsOfAMissingSegment) {
  FolderImage image = image_;
  image.erase(segments_[3]);
  OpenImage(image);
  EXPECT_THAT(log_->report().damages,
              ElementsAre(Damage{.from = At(segments_[2]) + image[segments_[2]].size(),
                                 .to = At(segments_[3]) + image_[segments_[3]].size(),
                                 .after = sequences_[8],
                                 .before = sequences_[12]}));
  EXPECT_THAT(ReadTelling(3), SizeIs(1));

  OpenImage(image_);
  ASSERT_THAT((*disk_.OpenFolder("queue"))->Remove(segments_[3]), IsOk());
  std::vector<Damage> told = ReadTelling(3);
  ASSERT_THAT(told, SizeIs(1)) << "as it does of one that goes while it is open";
  Open();
  ASSERT_TRUE(std::exchange(told[0].known, true) == false);
  EXPECT_EQ(log_->report().damages, told) << "counted before";
}

TEST_F(LogOpeningTest, RemovesAnUnreadSegmentOnceAllOfItIsDone) {
  Open();
  Write(12);
  Open();
  ASSERT_THAT(log_->AddCursor("a"), IsOk());
  const std::size_t before = log_->segments();
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    ASSERT_THAT(log_->MarkDone("a", 0, sequences_[i]), IsOk());
    clock_.Advance(2s);
    for (int j = 0; j < 3; ++j) log_->Commit();
    if (i + 1 == sequences_.size()) break;
    const auto left = ReadAll(sequences_[i]);
    ASSERT_THAT(left, SizeIs(sequences_.size() - i - 1)) << "after " << i;
    EXPECT_LE(log_->segments(), before - i / 3 + 1) << "the last of an opening may stay a while";
  }
  EXPECT_EQ(log_->segments(), 1U);
}

}  // namespace
}  // namespace postern::queue
