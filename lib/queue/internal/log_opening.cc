#include "lib/queue/internal/log_opening.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "lib/queue/internal/salvage.h"
#include "lib/queue/internal/slot_reader.h"
#include "lib/queue/log_reader.h"

namespace postern::queue {

using base::Code;
using base::Result;
using base::Status;
using internal::Salvage;
using internal::SlotFile;

namespace {

static_assert(CursorTable::kMostBytes + 24 <= internal::kCursorsShape.slot_size);
constexpr std::uint64_t kMostAgeAway = 3'600'000;  // ms
constexpr std::size_t kSector = 512;

// kCorrupt where the bytes are no head or cannot be read, kInvalid where a later version wrote
// them.
Result<SegmentHead> ReadHead(const fs::File& file) {
  std::array<char, kSegmentHeadSize> bytes{};
  const Status read = fs::ReadExactly(file, 0, bytes);
  if (!read) return base::Fail(Code::kCorrupt, read.error().message());
  return ParseSegmentHead({bytes.data(), bytes.size()});
}

}  // namespace

Result<std::unique_ptr<Log>> Log::Open(fs::Storage& storage, LogOptions options,
                                       const base::Clock& clock) {
  const std::string folder = options.folder;
  std::unique_ptr<Log> log(new Log(std::move(options), clock));
  if (const Status opened = LogOpening(*log).Run(storage); !opened) {
    return opened.error().In("opening queue " + folder);
  }
  return log;
}

Status LogOpening::Run(fs::Storage& storage) {
  if (log_.options_.max_bytes < 2 * log_.options_.segment_bytes) {
    return base::Fail(Code::kInvalid, "its " + std::to_string(log_.options_.max_bytes) +
                                          " bytes hold no two segments of " +
                                          std::to_string(log_.options_.segment_bytes));
  }
  ASSIGN_OR_RETURN(log_.folder_, storage.OpenFolder(log_.options_.folder));
  ASSIGN_OR_RETURN(log_.lock_, log_.folder_->Lock("lock"));
  RETURN_IF_ERROR(ListFiles());
  RETURN_IF_ERROR(ReadIdentity());
  RETURN_IF_ERROR(ReadCheckpoint());
  RETURN_IF_ERROR(ReadSegments());
  RETURN_IF_ERROR(WriteLastAgain());
  RETURN_IF_ERROR(ReadCursors());
  RETURN_IF_ERROR(TidySegments());
  SetAge();
  RETURN_IF_ERROR(ReadMarks());
  ASSIGN_OR_RETURN(const std::vector<LedgerEntry> left, ledger_.Open(*log_.folder_));
  log_.ledger_ = Ledger(left);
  RETURN_IF_ERROR(BeginSequences());
  LogWriter::Options options{.tag = log_.identity_.tag,
                             .segment_bytes = log_.options_.segment_bytes,
                             .end = log_.end_,
                             .next_position = next_position_,
                             .checkpoint = log_.checkpoint_,
                             .checkpoints = checkpoints_};
  ASSIGN_OR_RETURN(auto folder, storage.OpenFolder(log_.options_.folder));
  log_.writer_ = std::make_unique<LogWriter>(std::move(folder), std::move(cursors_),
                                             std::move(ledger_), std::move(options));
  return {};
}

Status LogOpening::ListFiles() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, log_.folder_->List());
  for (const std::string& name : names) {
    if (const auto position = PositionIn(name, FileKind::kSegment)) segments_.push_back(*position);
    if (const auto position = PositionIn(name, FileKind::kCheckpoint)) {
      checkpoints_.push_back(*position);
    }
    if (const auto position = PositionIn(name, FileKind::kDamaged)) {
      log_.damaged_files_.Add(*position);
    }
  }
  return {};
}

Status LogOpening::ReadIdentity() {
  ASSIGN_OR_RETURN(log_.store_file_, SlotFile::Open(*log_.folder_, "store", internal::kStoreShape));
  log_.store_generation_ = log_.store_file_->found_generation();
  if (log_.store_file_->found()) {
    if (const auto identity = ParseIdentity(*log_.store_file_->found())) {
      log_.identity_ = *identity;
      return {};
    }
  }
  log_.report_.new_store = true;
  log_.identity_.tag = NewTag();
  log_.identity_.store = NewStoreId();
  return AdoptTag();
}

// Where only the store's own file is unreadable, the segments still tell their tag.
Status LogOpening::AdoptTag() {
  for (const std::uint64_t position : segments_) {
    const auto file = log_.folder_->Open(FileName(FileKind::kSegment, position));
    if (!file) continue;
    const auto head = ReadHead(**file);
    if (!head) continue;
    log_.identity_.tag = head->tag;
    return {};
  }
  return {};
}

// Below the checkpoint the heads tell enough: what is damaged there is found by who reads it.
Status LogOpening::ReadSegments() {
  ASSIGN_OR_RETURN(const std::vector<SegmentGlance> glances, Glance());
  RETURN_IF_ERROR(Recover(glances, BoundSegments(glances, log_.checkpoint_)));
  if (!recovery_.fits()) {
    RETURN_IF_ERROR(Recover(glances, std::vector<SegmentPart>(glances.size())));
  }
  RETURN_IF_ERROR(CheckDevice());
  for (const SegmentPart& part : recovery_.segments()) log_.segments_[part.position].part = part;
  log_.holes_ = recovery_.damages();
  log_.end_ = glances.empty() ? log_.checkpoint_ : recovery_.end();
  log_.synced_through_ = recovery_.last_sequence();
  log_.report_.lost_checkpoint = log_.checkpoint_ < named_checkpoint_;
  // Positions go on above whatever was used, even where no segment is left to tell.
  next_position_ = std::max(next_position_, log_.checkpoint_);
  return {};
}

Result<std::vector<SegmentGlance>> LogOpening::Glance() {
  std::vector<SegmentGlance> glances;
  for (const std::uint64_t position : segments_) {
    ASSIGN_OR_RETURN(const SegmentGlance glance, GlanceAt(position));
    glances.push_back(glance);
    log_.segments_[position].room = glance.size;
    std::uint64_t capacity = std::max<std::uint64_t>(glance.size, kSegmentHeadSize);
    if (glance.head) {
      capacity = std::max(capacity, glance.head->capacity);
      named_checkpoint_ = glance.head->checkpoint;
    }
    // Nobody knows its size either: no segment is longer.
    if (unreadable_.contains(position)) capacity = std::max(capacity, log_.options_.max_bytes);
    next_position_ = std::max(next_position_, position + capacity);
  }
  return glances;
}

Result<SegmentGlance> LogOpening::GlanceAt(std::uint64_t position) {
  SegmentGlance glance{.position = position, .size = 0, .head = std::nullopt};
  const auto file = log_.folder_->Open(FileName(FileKind::kSegment, position));
  const auto size = file ? (*file)->Size() : Result<std::uint64_t>(file.error());
  if (!size) {
    RETURN_IF_ERROR(PassOver(position, size.error()));
    return glance;
  }
  glance.size = *size;
  const auto head = ReadHead(**file);
  if (!head && head.error().code() == Code::kInvalid) return head.error();
  // Not ours to remove: another log's, or ours whose store and heads are all unreadable.
  if (head ? head->tag != log_.identity_.tag : log_.report_.new_store) strange_.insert(position);
  if (head && IsHeadOf(*head, position, log_.identity_.tag)) glance.head = *head;
  return glance;
}

// Takes a segment for damaged of which nothing can be read, as long as that may be its own fault.
Status LogOpening::PassOver(std::uint64_t position, const base::Error& error) {
  if (error.code() == Code::kExhausted || error.code() == Code::kNotFound) return error;
  unreadable_.emplace(position, error);
  return {};
}

// Whether such segments are all that is lost, and not the device, or the right to use the folder:
// another of its files can be read, and written and synced. Nothing was changed so far.
Status LogOpening::CheckDevice() {
  if (unreadable_.empty()) return {};
  const bool reads =
      segments_.size() == 1 || unreadable_.size() < segments_.size() || log_.checkpoint_ > 0;
  if (!reads) return unreadable_.begin()->second;
  return WriteAgain("store", 0, kSector);
}

// Reads the segments whose part is empty, one at a time and all into the same memory: allocated
// anew for each, a segment's worth of the heap would stay with the process.
Status LogOpening::Recover(const std::vector<SegmentGlance>& glances,
                           const std::vector<SegmentPart>& parts) {
  recovery_ = Recovery();
  unread_through_ = 0;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < glances.size(); ++i) {
    if (parts[i].empty()) most = std::max(most, glances[i].size);
  }
  std::string bytes;
  bytes.reserve(most);
  for (std::size_t i = 0; i < glances.size(); ++i) {
    if (!parts[i].empty()) {
      recovery_.AddUnread(parts[i], glances[i].head->former_end);
      unread_through_ = parts[i].last_sequence;
      continue;
    }
    const std::uint64_t position = glances[i].position;
    const std::string name = FileName(FileKind::kSegment, position);
    auto read = Salvage(*log_.folder_, name, std::move(bytes));
    if (!read) {
      RETURN_IF_ERROR(PassOver(position, read.error()));
      const std::uint64_t end = position + std::max<std::uint64_t>(glances[i].size, kSector);
      recovery_.AddUnreadable(position, i + 1 < glances.size() ? glances[i + 1].position : end);
      bytes.clear();
      bytes.reserve(most);
      continue;
    }
    bytes = *std::move(read);
    recovery_.Add(ScanSegment(bytes, position, log_.identity_.tag));
  }
  return {};
}

// The process before may have failed to sync what we read, or had no time to: the kernel's cache
// shows it all the same. The same bytes in the same place, so that a power cut takes nothing away.
Status LogOpening::WriteAgain(const std::string& name, std::uint64_t offset, std::size_t size) {
  ASSIGN_OR_RETURN(const auto file, log_.folder_->Open(name));
  std::string bytes(size, '\0');
  RETURN_IF_ERROR(fs::ReadExactly(*file, offset, bytes));
  const std::array<std::string_view, 1> slices{bytes};
  RETURN_IF_ERROR(file->WriteAt(offset, slices));
  RETURN_IF_ERROR(file->Sync());
  return log_.folder_->Sync();
}

Status LogOpening::WriteLastAgain() {
  const auto last = recovery_.last();
  if (!last) return {};
  const std::uint64_t segment = std::prev(log_.segments_.upper_bound(last->head.position))->first;
  return WriteAgain(FileName(FileKind::kSegment, segment), last->head.position - segment,
                    last->head.size);
}

// The newest that is whole. Those below it stay unread: they give way to the next ones.
Status LogOpening::ReadCheckpoint() {
  for (; !checkpoints_.empty(); checkpoints_.pop_back()) {
    const std::uint64_t position = checkpoints_.back();
    const std::string name = FileName(FileKind::kCheckpoint, position);
    const auto bytes = Salvage(*log_.folder_, name);
    if (!bytes) continue;  // left where it is: who knows what it says
    auto checkpoint = ParseCheckpoint(*bytes, log_.identity_.tag, position);
    if (checkpoint && log_.marks_.Load(checkpoint->marks)) {
      checkpoint_cursors_ = std::move(checkpoint->cursors);
      log_.checkpoint_ = position;
      return WriteAgain(name, 0, bytes->size());
    }
    RETURN_IF_ERROR(log_.folder_->Remove(name));  // the writing of it was cut short
  }
  return {};
}

Status LogOpening::ReadCursors() {
  // Looked at before it is made anew: one that was made and never written lost nothing.
  const auto before = internal::ReadSlots(*log_.folder_, "cursors", internal::kCursorsShape);
  ASSIGN_OR_RETURN(cursors_, SlotFile::Open(*log_.folder_, "cursors", internal::kCursorsShape));
  auto table = CursorTable::Parse(cursors_->found().value_or(""));
  if (!table) {
    table = CursorTable::Parse(checkpoint_cursors_);
    const bool never_written = before && before->blank && (!table || table->all().empty());
    log_.report_.lost_cursors =
        !log_.report_.new_store && !recovery_.segments().empty() && !never_written;
  }
  if (table) log_.cursors_ = *std::move(table);
  log_.synced_floor_ = log_.cursors_.floor();
  log_.synced_generation_ = log_.cursors_generation_ = cursors_->found_generation();
  log_.written_cursors_ = {.generation = log_.synced_generation_, .floor = log_.synced_floor_};
  return {};
}

// Sets damage aside, cuts what was never synced, and removes segments that hold nothing.
Status LogOpening::TidySegments() {
  for (const Damage& damage : recovery_.damages()) {
    // What every reader was above is gone for nobody: a segment that should have been removed.
    if (damage.before > 0 && damage.before <= log_.synced_floor_ + 1) continue;
    log_.report_.damages.push_back(damage);
    Damage& told = log_.report_.damages.back();
    told.known = !log_.damaged_files_.SetAside(*log_.folder_, told);
    if (!told.known) log_.report_.set_aside.push_back(told.from);
  }
  for (auto at = log_.segments_.begin(); at != log_.segments_.end();) {
    const std::string name = FileName(FileKind::kSegment, at->first);
    Log::Segment& segment = at->second;
    if (segment.part.empty()) {
      RETURN_IF_ERROR(RemoveSegment(at->first));
      at = log_.segments_.erase(at);
      continue;
    }
    const std::uint64_t used = segment.part.end - at->first;
    if (std::next(at) == log_.segments_.end() && used < segment.room) {
      ASSIGN_OR_RETURN(const auto file, log_.folder_->Open(name));
      RETURN_IF_ERROR(file->Shrink(used));
      segment.room = used;
    }
    log_.milestones_.Add(segment.part.first_sequence, segment.part.last_sequence, used);
    ++at;
  }
  log_.CountRoom();
  return {};
}

Status LogOpening::RemoveSegment(std::uint64_t position) {
  const std::string name = FileName(FileKind::kSegment, position);
  const bool unreadable = unreadable_.contains(position);
  const auto tells = [position](const Damage& one) {
    return one.from <= position && position < one.to;
  };
  const std::vector<Damage>& told = log_.report_.damages;
  // What cannot be read today may be tomorrow, or by somebody else.
  const bool keep = unreadable && std::any_of(told.begin(), told.end(), tells);
  Status gone;
  if (strange_.contains(position) || keep) {
    gone = log_.folder_->Rename(name, FileName(FileKind::kDamaged, position));
    if (gone) log_.report_.set_aside.push_back(position);
  } else {
    gone = log_.folder_->Remove(name);
  }
  if (unreadable) return {};  // where it stays the next opening finds it again, and knows it
  return gone;
}

void LogOpening::SetAge() {
  const auto last = recovery_.last();
  if (!last) return;
  const Stamp then = last->head.stamp;
  log_.opened_age_ = 0;
  const std::uint64_t now = log_.Now().wall;
  log_.opened_age_ = then.age + (now > then.wall ? std::min(now - then.wall, kMostAgeAway) : 0);
}

Status LogOpening::ReadMarks() {
  if (log_.opened_age_ > kMarkLife) log_.marks_.Forget(log_.opened_age_ - kMarkLife);
  LogReader reader(log_);
  for (std::uint64_t after = unread_through_;;) {
    ASSIGN_OR_RETURN(const auto entries, reader.Read(after));
    for (const Damage& damage : reader.TakeDamages()) {  // it rotted a moment ago
      log_.report_.damages.push_back(damage);
      if (!damage.known) log_.report_.set_aside.push_back(damage.from);
    }
    if (entries.empty()) return {};
    for (const StoredEntry& entry : entries) {
      if (entry.hop) log_.marks_.Sync(*entry.hop, log_.opened_age_);
    }
    after = entries.back().sequence;
  }
}

// Synced before any sequence of this opening is given out.
Status LogOpening::BeginSequences() {
  std::uint64_t& count = log_.identity_.open_count;
  const std::uint64_t highest = std::max(recovery_.last_sequence(), log_.synced_floor_);
  count = std::max(count, highest >> kSequenceBits) + 1;
  RETURN_IF_ERROR(log_.WriteIdentity(log_.identity_));
  log_.next_sequence_ = (count << kSequenceBits) + 1;
  return {};
}

}  // namespace postern::queue
