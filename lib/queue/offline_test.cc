// What a folder holds, told without touching it: a whole one, and one with every kind of damage.
#include "lib/queue/offline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
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
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

constexpr std::uint64_t kFirst = (std::uint64_t{1} << kSequenceBits) + 1;
constexpr std::size_t kGroups = 8;  // of two records each, in three segments

class Offline : public LogFixture {
 protected:
  Offline() { options_.segment_bytes = 1600; }

  // Two records a second in a group, the second one a child's; two cursors and a checkpoint.
  void Fill() {
    Open();
    ASSERT_THAT(log_->AddCursor("uplink"), IsOk());
    for (std::size_t i = 0; i < kGroups; ++i) {
      const std::string text = "group " + std::to_string(i) + std::string(70, '.');
      ASSERT_THAT(log_->Append(Own(text)), IsOk());
      ASSERT_THAT(log_->Append(From(kEast, i + 1, text)), IsOk());
      ASSERT_THAT(log_->Commit().records, IsOk());
      clock_.Advance(1s);
    }
    image_ = Image();
  }
  FolderImage Image() { return ReadImage(**disk_.OpenFolder("queue")); }
  // The folder as these files, on a new disk and with nobody's lock.
  void Put(const FolderImage& image) {
    log_.reset();
    disk_ = fs::FaultyStorage();
    WriteImage(image, **disk_.OpenFolder("queue"));
  }
  base::Result<Inspection> TryInspect() {
    ASSIGN_OR_RETURN(const auto folder, disk_.OpenToRead("queue"));
    return Inspect(*folder);
  }
  Inspection Look() {
    auto inspection = TryInspect();
    CHECK(inspection, "the folder can be read");
    return *std::move(inspection);
  }
  std::vector<std::string> Read(const Range& range = {}) {
    const auto folder = disk_.OpenToRead("queue");
    std::vector<std::string> texts;
    const auto damages = ReadEntries(**folder, range, [&texts](const StoredEntry& entry) {
      texts.emplace_back(entry.body.view());
      return base::Status();
    });
    CHECK(damages, "the folder can be read");
    read_damages_ = *damages;
    return texts;
  }
  std::vector<std::string> NamesOf(FileKind kind) const {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : image_) {
      if (PositionIn(name, kind)) names.push_back(name);
    }
    return names;
  }
  static std::vector<Finding::Kind> Kinds(const Inspection& inspection) {
    std::vector<Finding::Kind> kinds;
    for (const Finding& one : inspection.damages) kinds.push_back(one.kind);
    return kinds;
  }

  FolderImage image_;
  std::vector<Damage> read_damages_;
};

TEST_F(Offline, TellsWhatIsThere) {
  Fill();
  ASSERT_THAT(log_->MarkDone("uplink", 0, kFirst + 2), IsOk());
  ASSERT_THAT(log_->MarkDone("uplink", kFirst + 4, kFirst + 6), IsOk());
  log_->Commit();
  const Inspection seen = Look();
  EXPECT_EQ(seen.store, log_->store());
  EXPECT_EQ(seen.open_count, 1U);
  ASSERT_THAT(seen.segments, SizeIs(3));
  EXPECT_EQ(seen.segments[0].part.first_sequence, kFirst);
  EXPECT_EQ(seen.segments[2].part.last_sequence, kFirst + 15);
  EXPECT_EQ(seen.segments[1].part.first_sequence, seen.segments[0].part.last_sequence + 1);
  EXPECT_EQ(seen.groups, kGroups);
  EXPECT_EQ(seen.records, 2 * kGroups);
  EXPECT_EQ(seen.segments[0].groups + seen.segments[1].groups + seen.segments[2].groups, kGroups);
  EXPECT_EQ(seen.last.wall - seen.first.wall, 7000U);
  EXPECT_EQ(seen.last.age - seen.first.age, 7000U);
  ASSERT_THAT(seen.cursors, SizeIs(1));
  EXPECT_EQ(seen.cursors[0].name, "uplink");
  EXPECT_EQ(seen.cursors[0].cursor.floor, kFirst + 2);
  EXPECT_THAT(seen.cursors[0].cursor.ranges, ElementsAre(Pair(kFirst + 4, kFirst + 6)));
  EXPECT_EQ(seen.cursors[0].behind, 16U - 3 - 2);
  EXPECT_THAT(seen.marks, ElementsAre(Pair(kEast, 8U)));
  EXPECT_THAT(seen.damages, IsEmpty());
  EXPECT_THAT(seen.set_aside, IsEmpty());
  EXPECT_EQ(seen.unsynced, 0U);
}

TEST_F(Offline, CountsWhatACursorHasNotDoneInPartsOfGroups) {
  Fill();
  struct Case {
    const char* when;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> done;  // from the first sequence on
    std::uint64_t behind;
  };
  const Case cases[] = {
      {"nothing is done", {}, 16},
      {"half a group is done", {{0, 1}}, 15},
      {"a range begins and ends inside groups", {{2, 5}}, 13},
      {"a range goes over several groups", {{1, 15}}, 2},
      {"two ranges are in one group's neighbours", {{1, 2}, {3, 4}}, 14},
      {"the floor is reached in two steps", {{2, 4}, {0, 2}}, 12},
      {"all is done", {{0, 16}}, 0},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.when);
    Put(image_);
    Open();
    for (const auto& [after, through] : one.done) {
      const std::uint64_t from = after == 0 ? 0 : kFirst - 1 + after;
      ASSERT_THAT(log_->MarkDone("uplink", from, kFirst - 1 + through), IsOk());
    }
    log_->Commit();
    EXPECT_EQ(Look().cursors.at(0).behind, one.behind);
  }
}

TEST_F(Offline, KnowsMarksOfCheckpointsAndOfRecordsAboveThem) {
  Fill();
  ASSERT_THAT(log_->Append(From(kWest, 5, "west")), IsOk());
  ASSERT_THAT(log_->Commit().records, IsOk());
  ASSERT_THAT(log_->MarkDone("uplink", 0, kFirst + 15), IsOk());
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(2s);
    log_->Commit();
  }
  ASSERT_THAT(log_->Append(From(kWest, 7, "west")), IsOk());
  ASSERT_THAT(log_->Commit().records, IsOk());
  const Inspection seen = Look();
  EXPECT_LT(seen.segments.size(), 3U) << "the marks of what is gone are in the checkpoint";
  EXPECT_TRUE(seen.checkpoint);
  EXPECT_THAT(seen.marks, UnorderedElementsAre(Pair(kEast, 8U), Pair(kWest, 7U)));
  EXPECT_THAT(seen.damages, IsEmpty());
}

TEST_F(Offline, ReadsEntriesInOrderAndInRange) {
  Fill();
  const std::vector<std::string> all = Read();
  EXPECT_EQ(all, Texts());
  EXPECT_THAT(Read({.after = kFirst, .through = kFirst + 3}), ElementsAre(all[1], all[2], all[3]));
  EXPECT_THAT(Read({.after = kFirst + 15}), IsEmpty());
  EXPECT_THAT(Read({.after = 0, .through = 5}), IsEmpty());
}

TEST_F(Offline, EndsAtTheFirstErrorOfWhoReads) {
  Fill();
  const auto folder = disk_.OpenToRead("queue");
  int visits = 0;
  const auto read = ReadEntries(**folder, {}, [&visits](const StoredEntry&) -> base::Status {
    ++visits;
    return base::Fail(Code::kExhausted, "the disk is full");
  });
  EXPECT_THAT(read, base::FailsWith("the disk is full"));
  EXPECT_EQ(visits, 1);
}

TEST_F(Offline, LeavesTheFolderAsItIsByteForByte) {
  Fill();
  for (const bool running : {true, false}) {
    if (!running) log_.reset();
    for (const char* spoil : {"", "segment", "store", "cursors"}) {
      SCOPED_TRACE(spoil);
      FolderImage image = image_;
      if (spoil == std::string("segment")) image[NamesOf(FileKind::kSegment)[1]][700] ^= 1;
      if (image.contains(spoil)) image.erase(spoil);
      if (*spoil != '\0') Put(image);
      const int changes = disk_.changes();
      const FolderImage before = Image();
      const auto names = *(*disk_.OpenFolder("queue"))->List();
      Look();
      Read();
      EXPECT_EQ(Image(), before);
      EXPECT_EQ(*(*disk_.OpenFolder("queue"))->List(), names) << "and no lock is made";
      EXPECT_EQ(disk_.changes(), changes) << "nor is anything written as it was, or synced";
    }
  }
}

// The property that makes this worth believing: what is told is what the next opening finds.
TEST_F(Offline, TellsOfEverySpoiledByteWhatAnOpeningWouldFind) {
  Fill();
  for (const std::string& name : NamesOf(FileKind::kSegment)) {
    for (std::size_t i = 0; i < image_[name].size(); i += 5) {
      SCOPED_TRACE(testing::Message() << name << ", byte " << i);
      FolderImage image = image_;
      image[name][i] ^= 0x10;
      Put(image);
      const Inspection seen = Look();
      const std::vector<std::string> texts = Read();
      Open();
      ASSERT_EQ(texts, Texts());
      std::vector<Damage> groups;
      for (const Finding& one : seen.damages) {
        if (one.kind == Finding::Kind::kGroups) groups.push_back(one.where);
      }
      ASSERT_EQ(groups, log_->report().damages);
      ASSERT_EQ(read_damages_, log_->report().damages);
      ASSERT_EQ(seen.records, texts.size());
      ASSERT_EQ(seen.marks.at(kEast), log_->SyncedMark(kEast).sequence);
      if (i < 60) {
        ASSERT_THAT(Kinds(seen), ElementsAre(Finding::Kind::kHead)) << "all of it is checked";
      }
    }
  }
}

TEST_F(Offline, SaysWhereAndOfWhichRecordsTheDamageIs) {
  Fill();
  const std::string name = NamesOf(FileKind::kSegment)[1];
  const Inspection whole = Look();
  const SegmentPart part = whole.segments[1].part;
  image_[name][kSegmentHeadSize + kGroupHeadSize] ^= 1;
  Put(image_);
  const Inspection seen = Look();
  ASSERT_THAT(seen.damages, SizeIs(1));
  const Finding& damage = seen.damages[0];
  EXPECT_EQ(damage.kind, Finding::Kind::kGroups);
  EXPECT_EQ(damage.where.after, part.first_sequence - 1);
  EXPECT_EQ(damage.where.before, part.first_sequence + 2);
  EXPECT_GT(damage.where.to, part.position);
  EXPECT_EQ(damage.file, name) << "though it begins where the log before ends";
  EXPECT_TRUE(damage.needed);
}

TEST_F(Offline, KnowsDamageThatNobodyNeedsAnyMore) {
  Fill();
  ASSERT_THAT(log_->MarkDone("uplink", 0, kFirst + 7), IsOk());
  ASSERT_THAT(log_->Append(Own("synced with the cursor")), IsOk());
  log_->Commit();
  image_ = Image();
  image_[NamesOf(FileKind::kSegment)[0]][kSegmentHeadSize + kGroupHeadSize] ^= 1;
  Put(image_);
  const Inspection seen = Look();
  ASSERT_THAT(Kinds(seen), ElementsAre(Finding::Kind::kGroups));
  EXPECT_FALSE(seen.damages[0].needed);
  Open();
  EXPECT_THAT(log_->report().damages, IsEmpty());
}

TEST_F(Offline, TakesACutTailForWhatWasNeverSynced) {
  Fill();
  const std::string last = NamesOf(FileKind::kSegment).back();
  const SegmentSummary whole = Look().segments.back();
  const std::size_t used = whole.part.end - whole.part.position;
  for (std::size_t size = 0; size < used; size += 7) {
    SCOPED_TRACE(testing::Message() << "cut to " << size);
    FolderImage image = image_;
    image[last].resize(size);
    Put(image);
    const Inspection seen = Look();
    ASSERT_THAT(seen.damages, IsEmpty());
    const std::vector<std::string> texts = Read();
    ASSERT_EQ(seen.records, texts.size());
    ASSERT_LT(texts.size(), 2 * kGroups);
    Open();
    ASSERT_EQ(texts, Texts());
  }
}

TEST_F(Offline, TellsHowMuchIsNotSyncedYet) {
  Fill();
  const std::string last = NamesOf(FileKind::kSegment).back();
  const SegmentSummary whole = Look().segments.back();
  image_[last].resize(whole.part.end - whole.part.position);
  image_[last] += std::string("half a group") + std::string(100, '\0');
  Put(image_);
  EXPECT_EQ(Look().unsynced, 12U);
}

TEST_F(Offline, SeesThatTheEndIsMissingWhereACursorIsAboveIt) {
  Fill();
  ASSERT_THAT(log_->MarkDone("uplink", 0, kFirst + 15), IsOk());
  clock_.Advance(2s);
  log_->Commit();
  image_ = Image();
  const std::string last = NamesOf(FileKind::kSegment).back();
  const SegmentPart part = Look().segments.back().part;
  image_[last].resize(part.end - part.position - 8);
  Put(image_);
  const Inspection seen = Look();
  ASSERT_THAT(Kinds(seen), ElementsAre(Finding::Kind::kEnd));
  EXPECT_EQ(seen.damages[0].where.after, kFirst + 13);
  EXPECT_EQ(seen.damages[0].where.before, kFirst + 15);
}

TEST_F(Offline, TellsOfSectorsThatCannotBeRead) {
  Fill();
  const std::string name = NamesOf(FileKind::kSegment)[1];
  const SegmentPart part = Look().segments[1].part;
  Put(image_);
  disk_.SpoilSector("queue", name, 1024);
  const Inspection seen = Look();
  ASSERT_THAT(Kinds(seen), ElementsAre(Finding::Kind::kSectors, Finding::Kind::kGroups));
  EXPECT_EQ(seen.damages[0].where.from, part.position + 1024);
  EXPECT_EQ(seen.damages[0].where.to, part.position + 1536);
  const std::vector<std::string> texts = Read();
  Open();
  EXPECT_EQ(texts, Texts());
}

TEST_F(Offline, TellsOfASegmentOfWhichNothingCanBeReadAndGoesOn) {
  Fill();
  const std::vector<std::string> all = Read();
  const std::vector<SegmentSummary> segments = Look().segments;
  const std::vector<std::string> names = NamesOf(FileKind::kSegment);
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (const Code way : {Code::kCorrupt, Code::kUnavailable, Code::kDenied}) {
      SCOPED_TRACE(testing::Message() << names[i] << ", way " << static_cast<int>(way));
      Put(image_);
      if (way != Code::kCorrupt) disk_.FailOpens(fs::FaultyStorage::kAlways, names[i], way);
      for (std::size_t at = 0; way == Code::kCorrupt && at < image_[names[i]].size(); at += 512) {
        disk_.SpoilSector("queue", names[i], at);
      }
      const Inspection seen = Look();
      ASSERT_THAT(Kinds(seen), ElementsAre(Finding::Kind::kUnreadable, Finding::Kind::kGroups));
      EXPECT_EQ(seen.damages[0].file, names[i]);
      EXPECT_EQ(seen.damages[1].file, names[i]);
      std::vector<std::string> left = all;
      const auto gone =
          left.begin() + static_cast<std::ptrdiff_t>(segments[i].part.first_sequence - kFirst);
      left.erase(gone, gone + static_cast<std::ptrdiff_t>(segments[i].records));
      EXPECT_EQ(Read(), left);
      Open();
      EXPECT_THAT(log_->report().damages, ElementsAre(seen.damages[1].where));
      EXPECT_EQ(read_damages_, log_->report().damages);
    }
  }
}

TEST_F(Offline, CallsTheEndUnknownWhereTheNewestSegmentCannotBeRead) {
  Fill();
  ASSERT_THAT(log_->MarkDone("uplink", 0, kFirst + 15), IsOk());
  clock_.Advance(2s);
  log_->Commit();
  disk_.FailOpens(fs::FaultyStorage::kAlways, NamesOf(FileKind::kSegment).back(), Code::kDenied);
  EXPECT_THAT(Kinds(Look()), ElementsAre(Finding::Kind::kUnreadable, Finding::Kind::kGroups));
}

TEST_F(Offline, FailsWhereWhatIsMissingIsNotTheSegmentsFault) {
  Fill();
  disk_.FailOpens(fs::FaultyStorage::kAlways, ".log", Code::kExhausted);
  EXPECT_THAT(TryInspect(), HasCode(Code::kExhausted)) << "too many files are open";
}

TEST_F(Offline, TellsOfFilesThatAreMissingOrUnreadable) {
  Fill();
  ASSERT_THAT(log_->MarkDone("uplink", 0, kFirst + 7), IsOk());
  clock_.Advance(2s);
  log_->Commit();
  clock_.Advance(2s);
  log_->Commit();
  Open();  // the next segment's head names the checkpoint
  Commit({"names the checkpoint"});
  image_ = Image();
  const Inspection whole = Look();
  EXPECT_THAT(whole.damages, IsEmpty());
  ASSERT_THAT(NamesOf(FileKind::kCheckpoint), SizeIs(1));
  const std::string marks = NamesOf(FileKind::kCheckpoint)[0];
  struct Case {
    std::string file;
    Finding::Kind kind;
  };
  for (const Case& one :
       {Case{"store", Finding::Kind::kStore}, Case{"cursors", Finding::Kind::kCursors},
        Case{marks, Finding::Kind::kCheckpoint}}) {
    for (const bool missing : {true, false}) {
      SCOPED_TRACE(testing::Message() << one.file << (missing ? " is missing" : " is damaged"));
      FolderImage image = image_;
      std::string& bytes = image[one.file];
      for (std::size_t i = 12; i < bytes.size(); i += 16) bytes[i] ^= 1;
      if (missing) image.erase(one.file);
      Put(image);
      const Inspection seen = Look();
      ASSERT_THAT(Kinds(seen), ElementsAre(one.kind));
      EXPECT_EQ(seen.damages[0].file, one.file);
      EXPECT_EQ(seen.records, whole.records) << "the records are all there";
      EXPECT_EQ(seen.store.has_value(), one.kind != Finding::Kind::kStore);
      EXPECT_THAT(seen.cursors, SizeIs(1)) << "the checkpoint has them, too";
      Open();
      EXPECT_EQ(log_->report().new_store, one.kind == Finding::Kind::kStore);
      EXPECT_EQ(log_->report().lost_cursors, one.kind == Finding::Kind::kCursors);
      EXPECT_EQ(log_->report().lost_checkpoint, one.kind == Finding::Kind::kCheckpoint);
    }
  }
}

TEST_F(Offline, TakesACheckpointThatNoSegmentNamesForOneThatIsBeingWritten) {
  Fill();
  image_["00000000000f0000.marks"] = std::string(300, '\0');
  Put(image_);
  EXPECT_THAT(Look().damages, IsEmpty());
  EXPECT_FALSE(Look().checkpoint);
}

TEST_F(Offline, LeavesOutWhatALaterSegmentDeclaresVoid) {
  Open();
  Commit({"one", "two"});
  disk_.FailSyncs(1, ".log");
  Commit({"three"});  // into a segment of its own, for it may stand in the one before as well
  const Inspection seen = Look();
  EXPECT_THAT(seen.segments, SizeIs(2));
  EXPECT_EQ(seen.records, 3U);
  EXPECT_THAT(seen.damages, IsEmpty());
  EXPECT_THAT(Read(), ElementsAre("one", "two", "three"));
}

TEST_F(Offline, TellsOfAnotherLogsSegment) {
  Fill();
  const FolderImage ours = image_;
  Put({});
  Fill();
  FolderImage both = ours;
  both["00000000000f0000.log"] = image_[NamesOf(FileKind::kSegment)[0]];
  Put(both);
  const Inspection seen = Look();
  ASSERT_THAT(Kinds(seen), ElementsAre(Finding::Kind::kForeign));
  EXPECT_EQ(seen.damages[0].file, "00000000000f0000.log");
}

TEST_F(Offline, ListsWhatAnOpeningSetAsideAndDoesNotCallItDamage) {
  Fill();
  image_["0000000000000200.damaged"] = "some bytes";
  Put(image_);
  const Inspection seen = Look();
  ASSERT_THAT(seen.set_aside, SizeIs(1));
  EXPECT_EQ(seen.set_aside[0].position, 0x200U);
  EXPECT_EQ(seen.set_aside[0].bytes, 10U);
  EXPECT_THAT(seen.damages, IsEmpty());
  disk_.FailOpens(fs::FaultyStorage::kAlways, ".damaged", Code::kDenied);
  EXPECT_THAT(Look().set_aside, ElementsAre(testing::Field(&SetAside::bytes, std::nullopt)));
}

TEST_F(Offline, ReadsTheLedgerWhereThereIsOne) {
  const auto read = [this] { return ReadLedger(**disk_.OpenToRead("queue")); };
  Fill();
  image_.erase(std::string(kLedgerName));
  Put(image_);
  EXPECT_THAT(*read(), IsEmpty());
  const LedgerEntry entry{.number = 3, .wall = 5, .reason = Reason::kEvicted, .reader = "uplink"};
  std::string& bytes = image_[std::string(kLedgerName)];
  bytes.resize(kLedgerBytes);
  bytes.replace(LedgerOffset(3), kLedgerSlot, EncodeLedgerEntry(entry));
  Put(image_);
  EXPECT_THAT(*read(), ElementsAre(entry));
  EXPECT_EQ(Image(), image_);
  Put({});
  ASSERT_THAT(disk_.OpenFolder("queue"), IsOk());
  EXPECT_THAT(read(), HasCode(Code::kNotFound)) << "an empty folder is no queue";
}

TEST_F(Offline, RefusesWhatIsNoQueue) {
  EXPECT_THAT(TryInspect(), HasCode(Code::kNotFound));
  EXPECT_THAT(disk_.OpenToRead("queue"), HasCode(Code::kNotFound)) << "looking made no folder";
  Put({{"relay.yaml", "admin: 9464"}});
  EXPECT_THAT(TryInspect(), HasCode(Code::kNotFound));
  EXPECT_THAT(TryInspect(), base::FailsWith("neither a store nor a segment"));
}

TEST_F(Offline, RefusesWhatALaterVersionWrote) {
  Fill();
  std::string& bytes = image_[NamesOf(FileKind::kSegment).back()];
  const auto head = ParseSegmentHead(bytes.substr(0, kSegmentHeadSize));
  ASSERT_THAT(head, IsOk());
  bytes.replace(0, kSegmentHeadSize, EncodeSegmentHead(*head, kFormatVersion + 1));
  Put(image_);
  EXPECT_THAT(TryInspect(), HasCode(Code::kInvalid));
  EXPECT_THAT(TryInspect(), base::FailsWith("version 2 of the log's format"));
}

TEST_F(Offline, ReadsANewLog) {
  Open();
  const Inspection seen = Look();
  EXPECT_EQ(seen.store, log_->store());
  EXPECT_EQ(seen.records, 0U);
  EXPECT_THAT(seen.damages, IsEmpty());
  Open();
  EXPECT_EQ(Look().open_count, 2U);
}

}  // namespace
}  // namespace postern::queue
