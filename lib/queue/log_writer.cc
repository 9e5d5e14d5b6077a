#include "lib/queue/log_writer.h"

#include <algorithm>
#include <array>

#include "lib/base/kill_point.h"

namespace postern::queue {

using base::Code;
using base::Result;
using base::Status;

namespace {
constexpr std::size_t kCheckpointsKept = 2;
// Room for a checkpoint, taken while there is some: on a full disk segments must go, and for that a
// checkpoint must come.
constexpr const char* kSpare = "spare.marks";
constexpr const char* kNextSpare = "spare.next.marks";
constexpr std::uint64_t kLeastSpare = 64 * 1024;
}  // namespace

Done LogWriter::Do(Work work) {
  Done done;
  done.work = std::move(work);
  if (!done.work.entries.empty()) {
    KILL_POINT("log.before-sync");
    WriteRecords(done);
  }
  if (!done.work.ledger.empty()) done.ledger = ledger_.Write(*folder_, done.work.ledger);
  // What a policy took out is in the ledger before anything on the disk says that it is done with.
  done.cursors = done.checkpoint = done.ledger;
  if (done.ledger) done.cursors = WriteCursors(done);
  if (done.work.checkpoint && done.ledger) {
    done.checkpoint = WriteCheckpoint(*done.work.checkpoint, done.work.checkpoint_can_wait);
  }
  for (const std::uint64_t position : done.work.remove) {
    KILL_POINT("log.checkpoint-unlink");
    Remove(position, done);
    // One by one: a power cut must not bring a lower one back without a higher one.
    if (!folder_->Sync()) break;
  }
  return done;
}

void LogWriter::WriteRecords(Done& done) {
  Group group(done.work.entries, done.work.first_sequence, done.work.stamp);
  const bool fits = segment_ && segment_->used + group.size() <= segment_->capacity;
  if (fits) {
    done.records = TryGroup(group, done);
    if (done.records) return;
  } else {
    EndSegment(done);
  }
  done.records = BeginSegment(group, done);
  if (done.records) done.records = TryGroup(group, done);
}

Status LogWriter::TryGroup(Group& group, Done& done) {
  Segment& segment = *segment_;
  const std::uint64_t position = segment.position + segment.used;
  Status status =
      segment.file->WriteAt(segment.used, group.Seal(options_.tag, position, options_.end));
  if (status) status = segment.file->Sync();
  if (!status) {
    // What the kernel could not write it has dropped: a later sync of this file would lie.
    if (segment.used == kSegmentHeadSize) Remove(segment.position, done);
    segment_.reset();
    return status;
  }
  segment.used += group.size();
  options_.end = position + group.size();
  done.segment = segment.position;
  done.end = options_.end;
  return {};
}

Status LogWriter::BeginSegment(const Group& group, Done& done) {
  KeepSpare();
  const std::uint64_t capacity =
      std::max(options_.segment_bytes, std::uint64_t{kSegmentHeadSize} + group.size());
  const SegmentHead head{.tag = options_.tag,
                         .position = options_.next_position,
                         .capacity = capacity,
                         .former_end = options_.end,
                         .checkpoint = options_.checkpoint,
                         .first_sequence = done.work.first_sequence};
  options_.next_position += capacity;  // even where this fails: no position is used twice
  auto file = MakeSegment(head);
  if (!file) return std::move(file).error();
  done.rooms.emplace_back(head.position, capacity);
  segment_ = Segment{.file = *std::move(file),
                     .position = head.position,
                     .capacity = capacity,
                     .used = kSegmentHeadSize};
  return {};
}

Result<std::unique_ptr<fs::File>> LogWriter::MakeSegment(const SegmentHead& head) {
  const std::string name = FileName(FileKind::kSegment, head.position);
  ASSIGN_OR_RETURN(auto file, folder_->Create(name, head.capacity));
  const std::string bytes = EncodeSegmentHead(head);
  const std::array<std::string_view, 1> slices{bytes};
  Status status = file->WriteAt(0, slices);
  if (status) status = folder_->Sync();
  if (status) return file;      // the head is synced with the first group
  (void)folder_->Remove(name);  // it holds nothing; where it stays, the next opening removes it
  return std::move(status).error();
}

void LogWriter::EndSegment(Done& done) {
  if (!segment_) return;
  // The room behind its last group; where that fails it stays taken, and counted, until it goes.
  if (segment_->file->Shrink(segment_->used)) {
    done.rooms.emplace_back(segment_->position, segment_->used);
  }
  segment_.reset();
}

Status LogWriter::WriteCursors(Done& done) {
  if (done.work.cursors) RETURN_IF_ERROR(Write(*done.work.cursors));
  if (!done.work.sync_cursors) return {};
  ASSIGN_OR_RETURN(done.synced_cursors, cursors_->Sync());
  return {};
}

Status LogWriter::Write(const CursorsWork& cursors) {
  return cursors_->Write(cursors.at.generation, cursors.bytes);
}

Status LogWriter::WriteCheckpoint(const Checkpoint& checkpoint, bool can_wait) {
  const std::string name = FileName(FileKind::kCheckpoint, checkpoint.position);
  const std::string bytes = EncodeCheckpoint(checkpoint, options_.tag);
  checkpoint_bytes_ = bytes.size();
  const Status removed = folder_->Remove(name);  // one that was found damaged, or that failed
  if (!removed && removed.error().code() != Code::kNotFound) return removed.error();
  std::erase(options_.checkpoints, checkpoint.position);
  Status status = WriteNewFile(name, bytes);
  const auto needs_room = [&] {
    return !status && status.error().code() == Code::kExhausted && !can_wait;
  };
  if (needs_room()) status = WriteToSpare(name, bytes);
  if (needs_room() && options_.checkpoints.size() >= kCheckpointsKept) {
    // The oldest makes room. Not the only one: until the new one is whole, the marks are in no
    // other place.
    RETURN_IF_ERROR(ForgetCheckpoint());
    status = WriteNewFile(name, bytes);
  }
  if (!status) {
    (void)folder_->Remove(name);  // where it stays, the next opening finds that it is not whole
    return status;
  }
  options_.checkpoint = checkpoint.position;
  options_.checkpoints.push_back(checkpoint.position);
  while (options_.checkpoints.size() > kCheckpointsKept) RETURN_IF_ERROR(ForgetCheckpoint());
  KeepSpare();
  return {};
}

Status LogWriter::WriteNewFile(const std::string& name, std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto file, folder_->Create(name, bytes.size()));
  const std::array<std::string_view, 1> slices{bytes};
  RETURN_IF_ERROR(file->WriteAt(0, slices));
  RETURN_IF_ERROR(file->Sync());
  return folder_->Sync();
}

// It gets its name once it is whole: what a crash leaves before is a spare again.
Status LogWriter::WriteToSpare(const std::string& name, std::string_view bytes) {
  spare_bytes_ = 0;
  ASSIGN_OR_RETURN(const auto file, folder_->Open(kSpare));
  ASSIGN_OR_RETURN(const std::uint64_t size, file->Size());
  if (size < bytes.size()) {
    return base::Fail(Code::kExhausted, "writing " + name + ": its " +
                                            std::to_string(bytes.size()) + " bytes pass the " +
                                            std::to_string(size) + " kept for it");
  }
  const std::array<std::string_view, 1> slices{bytes};
  RETURN_IF_ERROR(file->WriteAt(0, slices));
  RETURN_IF_ERROR(file->Shrink(bytes.size()));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(folder_->Rename(kSpare, name));
  return folder_->Sync();
}

// As well as the disk lets it: more than the next one needs, or it would be made for each anew.
void LogWriter::KeepSpare() {
  if (spare_bytes_ == 0) {
    const auto there = folder_->Open(kSpare);
    if (there) spare_bytes_ = (*there)->Size().value_or(0);
  }
  const std::uint64_t enough = checkpoint_bytes_ + checkpoint_bytes_ / 4;
  const std::uint64_t wanted = std::max(kLeastSpare, enough);
  if (spare_bytes_ >= wanted) return;
  (void)folder_->Remove(kNextSpare);
  for (const std::uint64_t size : {std::max(kLeastSpare, 2 * enough), wanted, enough}) {
    if (size <= spare_bytes_) return;
    const auto made = folder_->Create(kNextSpare, size);
    if (!made) continue;
    if ((*made)->Sync() && folder_->Rename(kNextSpare, kSpare)) spare_bytes_ = size;
    return;
  }
}

Status LogWriter::ForgetCheckpoint() {
  const std::string oldest = FileName(FileKind::kCheckpoint, options_.checkpoints.front());
  options_.checkpoints.erase(options_.checkpoints.begin());
  const Status removed = folder_->Remove(oldest);
  if (!removed && removed.error().code() != Code::kNotFound) return removed.error();
  return {};
}

void LogWriter::Remove(std::uint64_t position, Done& done) {
  const Status removed = folder_->Remove(FileName(FileKind::kSegment, position));
  // One that stays takes its room until the next opening finds that nobody needs it.
  if (removed || removed.error().code() == Code::kNotFound) done.rooms.emplace_back(position, 0);
}

}  // namespace postern::queue
