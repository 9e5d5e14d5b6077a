// A small log with every one of its bytes spoiled in turn, cut at every length, and without each of
// its files: it opens, and loses no more than the group that was hit. And yesterday's format opens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/queue/testing/folder_image.h"
#include "lib/queue/testing/log_fixture.h"

namespace postern::queue {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr std::size_t kGroups = 8;  // of two records each, in three segments

class LogDamage : public LogFixture {
 protected:
  LogDamage() {
    options_.segment_bytes = 1600;
    CHECK(TryOpen(), "a new log opens");
    CHECK(log_->AddCursor("a"), "a cursor can be added");
    for (std::size_t i = 0; i < kGroups; ++i) {
      const std::string text = "group " + std::to_string(i) + std::string(70, '.');
      CHECK(log_->Append(Own(text)), "there is room");
      CHECK(log_->Append(From(kEast, i + 1, text)), "there is room");
      CHECK(log_->Commit().records, "the disk is in order");
      groups_.push_back(text);
    }
    clock_.Advance(2s);
    log_->Commit();
    image_ = Image();
  }

  FolderImage Image() { return ReadImage(**disk_.OpenFolder("queue")); }
  // Opens the log from these files; false where it does not.
  bool OpenImage(const FolderImage& image) {
    log_.reset();
    disk_ = fs::FaultyStorage();
    WriteImage(image, **disk_.OpenFolder("queue"));
    const auto opened = TryOpen();
    EXPECT_THAT(opened, IsOk());
    return opened.has_value();
  }
  // What is there, each group as one text; a group is there as a whole or not at all.
  std::vector<std::string> Groups() {
    std::vector<std::string> groups;
    const std::vector<std::string> texts = Texts();
    EXPECT_EQ(texts.size() % 2, 0U);
    for (std::size_t i = 0; i + 1 < texts.size(); i += 2) {
      EXPECT_EQ(texts[i], texts[i + 1]);
      groups.push_back(texts[i]);
    }
    return groups;
  }
  // Opens `image` and expects all groups but at most one, which is counted unless it is the last.
  void ExpectAtMostOneLost(const FolderImage& image) {
    if (!OpenImage(image)) return;
    const std::vector<std::string> found = Groups();
    ASSERT_GE(found.size(), kGroups - 1);
    const bool lost = found.size() < kGroups;
    const bool last = found.back() != groups_.back();
    EXPECT_THAT(log_->report().damages, SizeIs(lost && !last ? 1 : 0));
    EXPECT_THAT(log_->report().set_aside, SizeIs(lost && !last ? 1 : 0));
    EXPECT_TRUE(std::includes(groups_.begin(), groups_.end(), found.begin(), found.end()));
    EXPECT_EQ(log_->SyncedMark(kEast).sequence, last ? kGroups - 1 : kGroups);
    if (!lost || last || found.front() != groups_.front()) return;
    const Damage damage = log_->report().damages.front();
    EXPECT_EQ(damage.before, damage.after + 3) << "two records may have stood there";
  }
  std::vector<std::string> Segments() const {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : image_) {
      if (PositionIn(name, FileKind::kSegment)) names.push_back(name);
    }
    return names;
  }

  std::vector<std::string> groups_;
  FolderImage image_;
};

TEST_F(LogDamage, LosesAtMostTheGroupWithASpoiledByte) {
  const std::vector<std::string> segments = Segments();
  ASSERT_THAT(segments, SizeIs(3));
  for (const std::string& name : segments) {
    for (std::size_t i = 0; i < image_[name].size(); i += 5) {
      SCOPED_TRACE(testing::Message() << name << ", byte " << i);
      FolderImage image = image_;
      image[name][i] ^= 0x10;
      ExpectAtMostOneLost(image);
      if (HasFailure()) return;
    }
  }
}

TEST_F(LogDamage, LosesAtMostTheGroupsOfASpoiledSector) {
  for (const std::string& name : Segments()) {
    for (std::size_t at = 0; at < image_[name].size(); at += 128) {
      SCOPED_TRACE(testing::Message() << name << ", bytes from " << at);
      FolderImage image = image_;
      image[name].replace(at, 128,
                          std::string(std::min<std::size_t>(128, image[name].size() - at), '\xff'));
      ASSERT_TRUE(OpenImage(image));
      EXPECT_GE(Groups().size(), kGroups - 2);
    }
  }
}

TEST_F(LogDamage, LosesAtMostTheGroupsOfAnUnreadableSector) {
  for (const std::string& name : Segments()) {
    for (std::size_t at = 0; at < image_[name].size(); at += 512) {
      SCOPED_TRACE(testing::Message() << name << ", sector at " << at);
      log_.reset();
      disk_ = fs::FaultyStorage();
      WriteImage(image_, **disk_.OpenFolder("queue"));
      disk_.SpoilSector("queue", name, at);
      Open();
      const std::vector<std::string> found = Groups();
      EXPECT_GE(found.size(), at == 0 ? kGroups : kGroups - 3);
      EXPECT_TRUE(std::includes(groups_.begin(), groups_.end(), found.begin(), found.end()));
      Commit({"goes on"});
      EXPECT_EQ(Texts().back(), "goes on");
    }
  }
}

TEST_F(LogDamage, OpensWhateverTheLengthOfASegment) {
  for (const std::string& name : Segments()) {
    for (std::size_t size = 0; size < image_[name].size(); size += 7) {
      SCOPED_TRACE(testing::Message() << name << ", cut to " << size);
      FolderImage image = image_;
      image[name].resize(size);
      ASSERT_TRUE(OpenImage(image));
      const std::vector<std::string> found = Groups();
      EXPECT_TRUE(std::includes(groups_.begin(), groups_.end(), found.begin(), found.end()));
      EXPECT_GE(found.size(), kGroups - 3) << "the other segments are whole";
    }
  }
}

TEST_F(LogDamage, OpensWithoutAnyOfItsFiles) {
  for (const auto& [name, bytes] : image_) {
    FolderImage image = image_;
    image.erase(name);
    ASSERT_TRUE(OpenImage(image)) << name;
    const std::vector<std::string> found = Groups();
    EXPECT_TRUE(std::includes(groups_.begin(), groups_.end(), found.begin(), found.end())) << name;
    EXPECT_GE(found.size(), name == "store" || name == "cursors" ? kGroups : kGroups - 3) << name;
    Commit({"goes on"});
    EXPECT_EQ(Texts().back(), "goes on") << name;
  }
}

TEST_F(LogDamage, LosesNoRecordWithTheStoreOrTheCursors) {
  for (const char* const name : {"store", "cursors"}) {
    const std::size_t slot = image_[name].size() / 2;
    for (std::size_t i = 0; i < 40; ++i) {
      SCOPED_TRACE(testing::Message() << name << ", byte " << i);
      FolderImage image = image_;
      image[name][i] ^= 0x10;
      image[name][slot + i] ^= 0x10;
      ASSERT_TRUE(OpenImage(image));
      EXPECT_THAT(Groups(), ElementsAreArray(groups_));
      EXPECT_GT(log_->last_sequence(), log_->synced_through()) << "sequences rise all the same";
    }
  }
}

TEST_F(LogDamage, TakesANewStoreIdWithASpoiledStore) {
  const StoreId before = log_->store();
  FolderImage image = image_;
  image["store"] = std::string(image["store"].size(), '\xee');
  ASSERT_TRUE(OpenImage(image));
  EXPECT_TRUE(log_->report().new_store);
  EXPECT_NE(log_->store(), before) << "nobody drops its new records by the old store's marks";
}

TEST_F(LogDamage, SetsAsideTheSegmentsOfAnotherLog) {
  FolderImage image = image_;
  const std::string name = FileName(FileKind::kSegment, 1 << 20);
  image[name] = EncodeSegmentHead({.tag = {9}, .position = 1 << 20}) + std::string(500, 'x');
  ASSERT_TRUE(OpenImage(image));
  EXPECT_THAT(Groups(), ElementsAreArray(groups_));
  EXPECT_THAT(log_->report().set_aside, ElementsAre(1 << 20));
  EXPECT_EQ(Image().at(FileName(FileKind::kDamaged, 1 << 20)), image[name]);
  Commit({"goes on"});
  EXPECT_EQ(Texts().back(), "goes on");
}

TEST_F(LogDamage, RemovesNothingWhereItCannotTellWhoseItIs) {
  FolderImage image = image_;
  image["store"] = std::string(image["store"].size(), '\xee');
  for (const std::string& name : Segments()) image[name][3] ^= 1;
  ASSERT_TRUE(OpenImage(image));
  EXPECT_THAT(Texts(), IsEmpty());
  EXPECT_THAT(log_->report().set_aside, SizeIs(3));
  for (const std::string& name : Segments()) {
    const std::uint64_t position = *PositionIn(name, FileKind::kSegment);
    EXPECT_EQ(Image().at(FileName(FileKind::kDamaged, position)), image[name]);
  }
}

TEST_F(LogDamage, CountsADamageOnceAndSetsItsBytesAside) {
  const std::string name = Segments().front();
  FolderImage image = image_;
  image[name][kSegmentHeadSize + 100] ^= 1;
  ASSERT_TRUE(OpenImage(image));
  ASSERT_THAT(log_->report().set_aside, SizeIs(1));
  const std::string aside = FileName(FileKind::kDamaged, log_->report().set_aside.front());
  const FolderImage after = Image();
  ASSERT_TRUE(after.contains(aside));
  EXPECT_NE(after.at(aside).find("group 0"), std::string::npos) << "for people to look at";
  Open();
  EXPECT_THAT(log_->report().damages, SizeIs(1));
  EXPECT_THAT(log_->report().set_aside, IsEmpty()) << "it was counted before";
}

TEST_F(LogDamage, PassesOverWhatRotsWhileItIsOpen) {
  const auto file = *(*disk_.OpenFolder("queue"))->Open(Segments().front());
  const std::array<std::string_view, 1> slices{"rot"};
  ASSERT_THAT(file->WriteAt(kSegmentHeadSize + 90, slices), IsOk());
  LogReader reader(*log_);
  const auto entries = reader.Read(0);
  ASSERT_THAT(entries, IsOk());
  EXPECT_EQ(entries->front().body.view(), groups_[1]);
  EXPECT_THAT(reader.TakeDamages(), SizeIs(1));
}

TEST_F(LogDamage, PassesOverASegmentThatCannotBeReadOnceTheDeviceIsSeenToWork) {
  for (std::size_t at = 0; at < options_.segment_bytes; at += 512) {
    disk_.SpoilSector("queue", Segments()[1], at);
  }
  LogReader reader(*log_);
  std::uint64_t after = 0;
  const auto read_on = [&] {
    auto entries = reader.Read(after);
    while (entries && !entries->empty()) {
      after = entries->back().sequence;
      entries = reader.Read(after);
    }
    return entries;
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(read_on(), HasCode(Code::kUnavailable)) << "it may be the device that fails";
    EXPECT_THAT(reader.TakeDamages(), IsEmpty());
    EXPECT_THAT(LogReader(*log_).Read(after), HasCode(Code::kUnavailable));
  }
  disk_.FailSyncs(1, "cursors");
  ASSERT_THAT(log_->Commit().cursors, testing::Not(IsOk())) << "it is put to the test";
  EXPECT_THAT(read_on(), HasCode(Code::kUnavailable));
  clock_.Advance(2s);
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work && work->sync_cursors);
  log_->Apply(log_->writer().Do(*std::move(work)));
  EXPECT_THAT(read_on(), IsOk());
  EXPECT_EQ(after, log_->synced_through()) << "the next segment was read";
  EXPECT_THAT(reader.TakeDamages(), SizeIs(1));
}

// === a segment of which nothing can be read ===

class LogUnreadable : public LogDamage {
 protected:
  // How nothing of a segment can be read: its sectors, or opening it, fail.
  static constexpr std::array kWays{Code::kCorrupt, Code::kUnavailable, Code::kDenied};

  void PutBack() {
    log_.reset();
    disk_ = fs::FaultyStorage();
    WriteImage(image_, **disk_.OpenFolder("queue"));
  }
  void Spoil(const std::string& name, Code way) {
    if (way != Code::kCorrupt) return disk_.FailOpens(fs::FaultyStorage::kAlways, name, way);
    for (std::size_t at = 0; at < image_[name].size(); at += 512) {
      disk_.SpoilSector("queue", name, at);
    }
  }
  // The groups of all segments but one, as they are found.
  std::vector<std::string> GroupsWithout(const std::string& name) const {
    std::vector<std::string> groups;
    for (const std::string& group : groups_) {
      if (image_.at(name).find(group) == std::string::npos) groups.push_back(group);
    }
    return groups;
  }
};

TEST_F(LogUnreadable, IsDamageBoundedByItsNeighboursAndTheLogOpens) {
  for (const std::string& name : Segments()) {
    for (const Code way : kWays) {
      SCOPED_TRACE(testing::Message() << name << ", way " << static_cast<int>(way));
      PutBack();
      Open();
      const std::vector<StoredEntry> before = ReadAll();
      PutBack();
      Spoil(name, way);
      Open();
      EXPECT_EQ(Groups(), GroupsWithout(name));
      const std::uint64_t position = *PositionIn(name, FileKind::kSegment);
      EXPECT_THAT(log_->report().set_aside, testing::Contains(position));
      ASSERT_THAT(log_->report().damages, SizeIs(1));
      const Damage damage = log_->report().damages.front();
      EXPECT_FALSE(damage.known) << "it is to be counted";
      EXPECT_LE(damage.from, position);
      EXPECT_GT(damage.to, position);
      const std::vector<StoredEntry> after = ReadAll();
      for (const StoredEntry& one : before) {
        if (std::find(after.begin(), after.end(), one) != after.end()) continue;
        EXPECT_LT(damage.after, one.sequence);
        EXPECT_TRUE(damage.before == 0 || one.sequence < damage.before);
      }
      EXPECT_EQ(damage.before == 0, name == Segments().back());
      Commit({"goes on"});

      disk_.FailOpens(0);
      EXPECT_THAT(FilesOf(FileKind::kSegment), testing::Not(testing::Contains(name)));
      if (way != Code::kCorrupt) {
        EXPECT_EQ(Image().at(FileName(FileKind::kDamaged, position)), image_[name]) << "all of it";
      }
      Open();
      EXPECT_EQ(Texts().back(), "goes on");
      // The log begins behind the first one then.
      ASSERT_THAT(log_->report().damages, SizeIs(name == Segments().front() ? 0 : 1));
      for (const Damage& again : log_->report().damages) EXPECT_TRUE(again.known) << "and counted";
      EXPECT_THAT(log_->report().set_aside, IsEmpty());
    }
  }
}

TEST_F(LogUnreadable, IsRemovedWhereEveryReaderIsAboveIt) {
  ASSERT_THAT(log_->MarkDone("a", 0, log_->synced_through()), IsOk());
  clock_.Advance(2s);
  std::optional<Work> work = log_->Collect();
  ASSERT_TRUE(work);
  work->remove.clear();
  log_->Apply(log_->writer().Do(*std::move(work)));
  const std::string name = Segments().front();
  disk_.FailOpens(fs::FaultyStorage::kAlways, name);
  Open();
  EXPECT_THAT(log_->report().damages, IsEmpty()) << "nobody misses it";
  EXPECT_THAT(log_->report().set_aside, IsEmpty());
  EXPECT_THAT(FilesOf(FileKind::kSegment), testing::Not(testing::Contains(name)));
}

TEST_F(LogUnreadable, KeepsTheLogShutWhereItIsTheDeviceOrTheRightToUseIt) {
  for (const Code code : {Code::kUnavailable, Code::kDenied}) {
    PutBack();
    disk_.FailOpens(fs::FaultyStorage::kAlways, ".log", code);
    EXPECT_THAT(TryOpen(), HasCode(code)) << "not one of them can be read";
    disk_.FailOpens(0);
    EXPECT_THAT(FilesOf(FileKind::kDamaged), IsEmpty());
    Open();
    EXPECT_EQ(Groups(), groups_);
  }
  PutBack();
  disk_.FailOpens(fs::FaultyStorage::kAlways, Segments()[1], Code::kExhausted);
  EXPECT_THAT(TryOpen(), HasCode(Code::kExhausted))
      << "too many files are open: of no file's doing";
}

TEST_F(LogUnreadable, LosesNothingElseWhereverThePowerGoesMeanwhile) {
  const std::string name = Segments()[1];
  for (int cut = 1;; ++cut) {
    SCOPED_TRACE(testing::Message() << "cut at change " << cut);
    PutBack();
    Spoil(name, Code::kCorrupt);
    disk_.CutPowerAt(cut);
    const auto opened = TryOpen();
    if (disk_.power()) {
      EXPECT_THAT(opened, IsOk());
      EXPECT_GT(cut, 10);
      return;
    }
    disk_.PowerOn(fs::Unsynced::kTorn, static_cast<std::uint64_t>(cut));
    Open();
    EXPECT_EQ(Groups(), GroupsWithout(name));
    EXPECT_THAT(log_->report().damages, SizeIs(1));
    if (HasFailure()) return;
  }
}

TEST_F(LogUnreadable, IsPassedOverByAReaderOnceTheDeviceIsSeenToWork) {
  disk_.FailOpens(fs::FaultyStorage::kAlways, Segments()[1], Code::kDenied);
  LogReader reader(*log_);
  std::uint64_t after = 0;
  const auto read_on = [&] {
    auto entries = reader.Read(after);
    while (entries && !entries->empty()) {
      after = entries->back().sequence;
      entries = reader.Read(after);
    }
    return entries;
  };
  EXPECT_THAT(read_on(), HasCode(Code::kDenied));
  clock_.Advance(2s);
  ASSERT_THAT(log_->Commit().cursors, IsOk()) << "it is put to the test";
  EXPECT_THAT(read_on(), IsOk());
  EXPECT_EQ(after, log_->synced_through()) << "the next segment was read";
  EXPECT_THAT(reader.TakeDamages(), SizeIs(1));
  EXPECT_THAT(LogReader(*log_).Read(0), IsOk()) << "by everybody";
}

TEST_F(LogUnreadable, HoldsAReaderWhileTheProcessHasTooManyFilesOpen) {
  disk_.FailOpens(fs::FaultyStorage::kAlways, Segments()[0], Code::kExhausted);
  LogReader reader(*log_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(reader.Read(0), HasCode(Code::kExhausted));
    clock_.Advance(2s);
    log_->Commit();
  }
  disk_.FailOpens(0);
  EXPECT_EQ(Groups(), groups_);
  EXPECT_THAT(reader.TakeDamages(), IsEmpty());
}

// === versions ===

TEST_F(LogDamage, DoesNotTouchWhatALaterVersionWrote) {
  FolderImage image = image_;
  const SegmentHead head = *ParseSegmentHead(image[Segments().back()].substr(0, kSegmentHeadSize));
  std::string bytes = EncodeSegmentHead(head, kFormatVersion + 1);
  image[Segments().back()].replace(0, bytes.size(), bytes);
  log_.reset();
  disk_ = fs::FaultyStorage();
  WriteImage(image, **disk_.OpenFolder("queue"));
  EXPECT_THAT(TryOpen(), HasCode(Code::kInvalid));
  const FolderImage after = Image();
  for (const std::string& name : Segments()) EXPECT_EQ(after.at(name), image.at(name));
}

TEST_F(LogDamage, OpensAFolderOfVersion1) {
  std::ifstream file("tests/golden/log_v1.txt");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  ASSERT_FALSE(text.empty()) << "tests run at the root of the project";
  const FolderImage image = ParseImage(text);
  ASSERT_EQ(PrintImage(image), text);
  options_.segment_bytes = 2048;
  ASSERT_TRUE(OpenImage(image));
  EXPECT_FALSE(log_->report().new_store);
  EXPECT_THAT(log_->report().damages, IsEmpty());
  const std::uint64_t second = (std::uint64_t{2} << kSequenceBits) + 1;
  const auto all = ReadAll();
  ASSERT_THAT(all, SizeIs(4));
  EXPECT_EQ(all[0].sequence, second);
  EXPECT_EQ(all[0].body.view(), "first of the second opening");
  EXPECT_EQ(all[1].body.view(), "from a child");
  EXPECT_EQ(all[1].hop, (Hop{.sender = kEast, .sequence = 7, .crc = 7}));
  EXPECT_EQ(all[2].body.view(), "");
  EXPECT_EQ(all[3].body.view(), "in a group of its own");
  EXPECT_EQ(log_->SyncedMark(kEast).sequence, 7U);
  EXPECT_EQ(log_->SyncedMark(kWest).sequence, 3U) << "from the checkpoint";
  ASSERT_NE(log_->cursors().Find("uplink"), nullptr);
  EXPECT_EQ(log_->cursors().Find("uplink")->floor, second - 1);
  EXPECT_EQ(log_->cursors().Find("file logs")->ranges,
            (std::map<std::uint64_t, std::uint64_t>{{second, second + 2}}));
  EXPECT_EQ(log_->last_sequence() >> kSequenceBits, 3U) << "the third opening";
  EXPECT_FALSE(image.contains("ledger"));
  EXPECT_EQ(Image().at("ledger").size(), kLedgerBytes) << "made, as later ones have it";
}

}  // namespace
}  // namespace postern::queue
