#include "lib/queue/offline.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/queue/internal/segment_survey.h"
#include "lib/queue/internal/slot_reader.h"
#include "lib/queue/internal/table_listing.h"
#include "lib/queue/log_state.h"

namespace postern::queue {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;
using internal::SegmentSurvey;
using internal::SettledSegment;
using internal::SlotsRead;

namespace {

// How often the checkpoints are looked for anew where one was removed meanwhile.
constexpr int kAttempts = 3;

Result<std::vector<std::uint64_t>> PositionsOf(const fs::FolderReader& folder, FileKind kind) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, folder.List());
  std::vector<std::uint64_t> positions;
  for (const std::string& name : names) {
    if (const auto position = PositionIn(name, kind)) positions.push_back(*position);
  }
  return positions;
}

// As ReadSlots; a file that is missing holds no value.
Result<SlotsRead> SlotsOf(const fs::FolderReader& folder, const std::string& name,
                          const internal::SlotShape& shape) {
  auto slots = internal::ReadSlots(folder, name, shape);
  if (!slots && slots.error().code() == Code::kNotFound) return SlotsRead();
  return slots;
}

Result<std::string> ReadWhole(const fs::File& file) {
  ASSIGN_OR_RETURN(const std::uint64_t size, file.Size());
  std::string bytes(size, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, file.ReadAt(0, bytes));
  bytes.resize(got);
  return bytes;
}

// Who the log is, as an opening would find it, and where its segments are.
struct FoundLog {
  std::optional<Identity> identity;
  bool blank_store = false;
  Tag tag{};
  std::vector<std::uint64_t> segments;
};

Result<FoundLog> FindLog(const fs::FolderReader& folder) {
  FoundLog log;
  ASSIGN_OR_RETURN(const SlotsRead store, SlotsOf(folder, "store", internal::kStoreShape));
  log.blank_store = store.blank;
  const auto identity = ParseIdentity(store.value.value_or(""));
  if (identity) log.identity = *identity;
  ASSIGN_OR_RETURN(log.segments, PositionsOf(folder, FileKind::kSegment));
  if (!log.identity && !log.blank_store && log.segments.empty()) {
    return Fail(Code::kNotFound,
                "reading " + folder.path() + ": it holds neither a store nor a segment of a queue");
  }
  if (log.identity) {
    log.tag = log.identity->tag;
    return log;
  }
  for (const std::uint64_t position : log.segments) {
    const auto file = folder.OpenToRead(FileName(FileKind::kSegment, position));
    std::string bytes(kSegmentHeadSize, '\0');
    if (!file || !fs::ReadExactly(**file, 0, bytes)) continue;
    const auto head = ParseSegmentHead(bytes);
    if (!head) continue;
    log.tag = head->tag;
    break;
  }
  return log;
}

// A group that is whole and does not hold what it says.
Damage DamageOf(const GroupHead& group) {
  return {.from = group.position,
          .to = group.end(),
          .after = group.first_sequence - 1,
          .before = group.last_sequence() + 1};
}

class Inspector {
 public:
  explicit Inspector(const fs::FolderReader& folder) : folder_(folder) {}

  // The order matters where a relay runs: cursors never pass what is listed and read after them,
  // and the checkpoint knows what was removed meanwhile.
  Result<Inspection> Run() {
    ASSIGN_OR_RETURN(log_, FindLog(folder_));
    if (log_.identity) {
      found_.store = log_.identity->store;
      found_.open_count = log_.identity->open_count;
    } else if (!log_.segments.empty() || !log_.blank_store) {
      Add(Finding::Kind::kStore, "store", {});
    }
    RETURN_IF_ERROR(ReadCursors());
    ASSIGN_OR_RETURN(log_.segments, PositionsOf(folder_, FileKind::kSegment));
    RETURN_IF_ERROR(ReadSegments());
    RETURN_IF_ERROR(ReadCheckpoints());
    RETURN_IF_ERROR(ReadSetAside());
    return std::move(found_);
  }

 private:
  void Add(Finding::Kind kind, std::string file, const Damage& where, bool needed = false) {
    found_.damages.push_back(
        {.kind = kind, .file = std::move(file), .where = where, .needed = needed});
  }

  Status ReadCursors() {
    ASSIGN_OR_RETURN(const SlotsRead slots, SlotsOf(folder_, "cursors", internal::kCursorsShape));
    if (TakeCursors(slots.value.value_or(""))) return {};
    if (slots.blank || log_.segments.empty()) return {};
    Add(Finding::Kind::kCursors, "cursors", {});
    ASSIGN_OR_RETURN(const auto positions, PositionsOf(folder_, FileKind::kCheckpoint));
    for (const std::uint64_t position : positions) {
      if (const auto checkpoint = ReadCheckpoint(position)) TakeCursors(checkpoint->cursors);
    }
    return {};
  }

  bool TakeCursors(std::string_view bytes) {
    const auto table = CursorTable::Parse(bytes);
    if (!table) return false;
    floor_ = table->floor();
    found_.cursors = internal::ListCursors(*table);
    return true;
  }

  Status ReadSegments() {
    SegmentSurvey survey(folder_, log_.tag);
    RETURN_IF_ERROR(survey.Run(log_.segments, [this](const SettledSegment& segment) {
      TakeSegment(segment);
      return Status();
    }));
    for (const Damage& damage : survey.damages()) {
      const bool passed = damage.before > 0 && damage.before <= floor_ + 1;
      Add(Finding::Kind::kGroups, SegmentAt(damage.to - 1), damage, !passed);
    }
    found_.removed = survey.removed();
    for (const CursorSummary& one : found_.cursors) {
      // The newest segment is never removed: what a reader has done last is there. Of a list that
      // is old by now, the newest may be gone.
      if (one.cursor.floor <= last_sequence_ || found_.removed > 0 || end_unread_) continue;
      Add(Finding::Kind::kEnd, SegmentAt(~std::uint64_t{0}),
          {.from = 0, .to = 0, .after = last_sequence_, .before = one.cursor.floor});
      break;
    }
    return {};
  }

  std::string SegmentAt(std::uint64_t position) const {
    const auto above = std::upper_bound(log_.segments.begin(), log_.segments.end(), position);
    if (above == log_.segments.begin()) return "";
    return FileName(FileKind::kSegment, *std::prev(above));
  }

  void TakeSegment(const SettledSegment& segment) {
    SegmentSummary summary{.part = segment.part, .bytes = segment.size, .groups = 0, .records = 0};
    CheckFile(segment);
    for (const FoundGroup& group : segment.groups) {
      TakeGroup(segment, group.head);
      summary.groups += 1;
      summary.records += group.head.count;
    }
    found_.bytes += summary.bytes;
    found_.groups += summary.groups;
    found_.records += summary.records;
    found_.segments.push_back(summary);
    last_sequence_ = std::max(last_sequence_, segment.part.last_sequence);
    end_unread_ = segment.unread;
    const std::size_t used =
        segment.part.empty() ? kSegmentHeadSize : segment.part.end - segment.part.position;
    const std::size_t last = segment.bytes.view().find_last_not_of('\0');
    found_.unsynced = last == std::string_view::npos || last < used ? 0 : last + 1 - used;
  }

  void CheckFile(const SettledSegment& segment) {
    const std::string name = FileName(FileKind::kSegment, segment.part.position);
    if (segment.head) named_ = std::max(named_, segment.head->checkpoint);
    if (segment.unread) {
      Add(Finding::Kind::kUnreadable, name, {});
    } else if (segment.foreign) {
      Add(Finding::Kind::kForeign, name, {});
    } else if (!segment.head && !segment.groups.empty()) {
      // Without a group the head was never synced, or the next one says what is missing.
      Add(Finding::Kind::kHead, name, {});
    }
    if (segment.unread || segment.unreadable.empty()) return;
    Add(Finding::Kind::kSectors, name,
        {.from = segment.unreadable.front(), .to = segment.unreadable.back() + internal::kSector});
  }

  void TakeGroup(const SettledSegment& segment, const GroupHead& group) {
    if (found_.first == Stamp()) found_.first = group.stamp;
    found_.last = group.stamp;
    for (CursorSummary& one : found_.cursors) {
      one.behind += internal::NotDone(one.cursor, group.first_sequence, group.last_sequence());
    }
    const auto entries = ParseEntries(segment.BytesOf(group), group);
    if (!entries) {
      Add(Finding::Kind::kGroups, FileName(FileKind::kSegment, segment.part.position),
          DamageOf(group), group.last_sequence() > floor_);
      return;
    }
    for (const StoredEntry& entry : *entries) {
      if (entry.hop) TakeMark(entry.hop->sender, entry.hop->sequence);
    }
  }

  void TakeMark(const Sender& sender, std::uint64_t sequence) {
    std::uint64_t& mark = found_.marks[sender];
    mark = std::max(mark, sequence);
  }

  Result<Checkpoint> ReadCheckpoint(std::uint64_t position) const {
    ASSIGN_OR_RETURN(const auto file,
                     folder_.OpenToRead(FileName(FileKind::kCheckpoint, position)));
    ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(*file));
    return ParseCheckpoint(bytes, log_.tag, position);
  }

  // The one that a head names was synced before it. One that is newer may be half written.
  Status ReadCheckpoints() {
    std::vector<std::uint64_t> damaged;
    std::optional<std::map<Sender, std::uint64_t>> marks;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      ASSIGN_OR_RETURN(const auto positions, PositionsOf(folder_, FileKind::kCheckpoint));
      damaged.clear();
      bool gone = false;
      for (const std::uint64_t position : positions) {
        const auto checkpoint = ReadCheckpoint(position);
        gone = gone || (!checkpoint && checkpoint.error().code() == Code::kNotFound);
        auto found = checkpoint ? internal::ListMarks(checkpoint->marks) : checkpoint.error();
        if (found) {
          found_.checkpoint = position;
          marks = *std::move(found);
        } else if (position <= named_) {
          damaged.push_back(position);
        }
      }
      if (!gone) break;
    }
    for (const auto& [sender, sequence] : marks.value_or(std::map<Sender, std::uint64_t>())) {
      TakeMark(sender, sequence);
    }
    const bool lost = found_.checkpoint.value_or(0) < named_;
    const bool told = std::find(damaged.begin(), damaged.end(), named_) != damaged.end();
    if (lost && !told) damaged.push_back(named_);
    for (const std::uint64_t position : damaged) {
      Add(Finding::Kind::kCheckpoint, FileName(FileKind::kCheckpoint, position),
          {.from = position});
    }
    return {};
  }

  Status ReadSetAside() {
    ASSIGN_OR_RETURN(const auto positions, PositionsOf(folder_, FileKind::kDamaged));
    for (const std::uint64_t position : positions) {
      const auto file = folder_.OpenToRead(FileName(FileKind::kDamaged, position));
      const auto size = file ? (*file)->Size() : Result<std::uint64_t>(file.error());
      // One that is not readable was set aside for that.
      found_.set_aside.push_back(
          {.position = position, .bytes = size ? std::optional(*size) : std::nullopt});
    }
    return {};
  }

  const fs::FolderReader& folder_;
  FoundLog log_;
  Inspection found_;
  std::uint64_t floor_ = 0;  // the lowest of the cursors
  std::uint64_t named_ = 0;  // the checkpoint that the newest head names
  std::uint64_t last_sequence_ = 0;
  bool end_unread_ = false;  // what the newest segment holds is not known
};

class RangeReader {
 public:
  using Visit = std::function<Status(const StoredEntry&)>;

  RangeReader(const Range& range, const Visit& visit) : range_(range), visit_(visit) {}

  Result<std::vector<Damage>> Run(const fs::FolderReader& folder) {
    ASSIGN_OR_RETURN(const FoundLog log, FindLog(folder));
    SegmentSurvey survey(folder, log.tag);
    RETURN_IF_ERROR(survey.Run(
        log.segments, [this](const SettledSegment& segment) { return TakeSegment(segment); }));
    damages_.insert(damages_.end(), survey.damages().begin(), survey.damages().end());
    std::erase_if(damages_, [this](const Damage& damage) { return !Touches(damage); });
    return std::move(damages_);
  }

 private:
  Status TakeSegment(const SettledSegment& segment) {
    for (const FoundGroup& group : segment.groups) {
      if (group.head.last_sequence() <= range_.after) continue;
      if (group.head.first_sequence > range_.through) continue;
      RETURN_IF_ERROR(TakeGroup(segment, group.head));
    }
    return {};
  }

  Status TakeGroup(const SettledSegment& segment, const GroupHead& group) {
    const auto entries = ParseEntries(segment.BytesOf(group), group);
    if (!entries) {
      damages_.push_back(DamageOf(group));
      return {};
    }
    for (const StoredEntry& entry : *entries) {
      if (entry.sequence <= range_.after || entry.sequence > range_.through) continue;
      RETURN_IF_ERROR(visit_(entry));
    }
    return {};
  }

  bool Touches(const Damage& damage) const {
    return damage.after < range_.through &&
           (damage.before == 0 || damage.before > range_.after + 1);
  }

  const Range& range_;
  const Visit& visit_;
  std::vector<Damage> damages_;
};

}  // namespace

Result<Inspection> Inspect(const fs::FolderReader& folder) { return Inspector(folder).Run(); }

Result<std::vector<Damage>> ReadEntries(const fs::FolderReader& folder, const Range& range,
                                        const std::function<Status(const StoredEntry&)>& visit) {
  return RangeReader(range, visit).Run(folder);
}

Result<std::vector<LedgerEntry>> ReadLedger(const fs::FolderReader& folder) {
  RETURN_IF_ERROR(FindLog(folder));
  const auto file = folder.OpenToRead(std::string(kLedgerName));
  if (!file && file.error().code() == Code::kNotFound) return std::vector<LedgerEntry>();
  if (!file) return file.error();
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(**file));
  return ParseLedger(bytes);
}

}  // namespace postern::queue
