#include "lib/queue/log.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace postern::queue {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kMostGroup = 4 * kMiB;  // a sync's worth: more makes the first one wait
constexpr std::uint64_t kGroupFrame = kGroupHeadSize + kTrailerSize + kGroupAlignment;
constexpr std::uint64_t kCheckpointSegments = 4;
constexpr std::uint64_t kMarkBytes = 64;  // of one in a checkpoint, its member's name included
constexpr base::Duration kCursorsWait = std::chrono::seconds(1);
constexpr std::uint64_t kMarksLookedAtEvery = 3'600'000;  // ms

std::uint64_t SegmentBytes(const LogOptions& options) {
  if (options.segment_bytes > 0) return options.segment_bytes;
  return std::clamp(options.max_bytes / 16, kMiB, 16 * kMiB);
}

std::uint64_t InMs(base::Duration span) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

}  // namespace

Log::Log(LogOptions options, const base::Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      milestones_(SegmentBytes(options_)),
      opened_at_(clock.Now()),
      cursors_synced_at_(clock.Now()) {
  options_.segment_bytes = SegmentBytes(options_);
}

Status Log::TakeNewStore() {
  CHECK(!out_, "a store changes between two Works");
  Identity next = identity_;
  next.store = NewStoreId();
  RETURN_IF_ERROR(WriteIdentity(next));
  identity_ = next;
  return {};
}

Status Log::WriteIdentity(const Identity& identity) {
  RETURN_IF_ERROR(store_file_->Write(++store_generation_, EncodeIdentity(identity)));
  const auto synced = store_file_->Sync();
  if (!synced) return synced.error();
  return {};
}

Result<std::uint64_t> Log::Append(Entry&& entry) {
  const std::uint64_t size = kGroupFrame + SizeBound(entry);
  // One segment's worth is kept back: a segment takes its room before it is filled.
  const std::uint64_t most =
      options_.max_bytes - std::min(options_.max_bytes, options_.segment_bytes);
  if (size > most || (entry.hop && entry.hop->sender.member.size() > kMaxMember)) {
    return Fail(Code::kInvalid, "appending " + std::to_string(size) + " bytes to " +
                                    options_.folder + ": they never fit");
  }
  if (entry.hop && marks_.IsRepeat(*entry.hop)) {
    return Fail(Code::kConflict, "appending sequence " + std::to_string(entry.hop->sequence) +
                                     " of " + entry.hop->sender.member + ": it came before");
  }
  // What the newest segment holds stays even when it is done: it must keep no record out for ever.
  const bool all_done = pending_.empty() && synced_floor_ >= synced_through_;
  if (!all_done && bytes() + size > most) {
    refused_ = true;
    return Fail(Code::kExhausted, "appending to " + options_.folder + ": its " +
                                      std::to_string(options_.max_bytes) + " bytes are used");
  }
  if (entry.hop) marks_.Append(*entry.hop);
  pending_bytes_ += size;
  pending_.push_back(std::move(entry));
  return next_sequence_++;
}

std::uint64_t Log::NeededBytes() const {
  const std::uint64_t floor = cursors_.floor();
  for (const auto& [position, segment] : segments_) {
    const SegmentPart& part = segment.part;
    if (part.empty() || part.last_sequence <= floor) continue;
    const std::uint64_t before = part.first_sequence - 1;
    const auto left = static_cast<double>(part.last_sequence - std::max(floor, before));
    const auto all = static_cast<double>(part.last_sequence - before);
    const double of_it = static_cast<double>(part.end - position) * (left / all);
    return end_ - part.end + static_cast<std::uint64_t>(of_it) + pending_bytes_;
  }
  return pending_bytes_;
}

std::uint64_t Log::FreeBytes() const {
  const std::uint64_t taken = bytes() + options_.segment_bytes;
  return options_.max_bytes - std::min(options_.max_bytes, taken);
}

std::optional<Work> Log::Collect() {
  if (out_) return std::nullopt;
  ForgetMarks();
  Work work;
  CollectRecords(work);
  CollectCursors(work);
  CollectCheckpoint(work, CollectRemovals(work));
  CollectLedger(work);
  if (work.entries.empty() && work.ledger.empty() && !work.cursors && !work.sync_cursors &&
      !work.checkpoint && work.remove.empty()) {
    return std::nullopt;
  }
  out_ = true;
  ledger_out_ = !work.ledger.empty();
  return work;
}

void Log::CollectRecords(Work& work) {
  work.first_sequence = next_sequence_ - pending_.size();
  work.stamp = Now();
  std::uint64_t size = 0;
  while (!pending_.empty()) {
    const std::uint64_t one = SizeBound(pending_.front());
    if (!work.entries.empty() && size + one > kMostGroup) return;
    size += one;
    work.entries.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
}

void Log::CollectCursors(Work& work) {
  if (clock_.Now() < quiet_until_) return;
  // Once a second, or where that frees a segment: with each commit it would double the syncs.
  const bool due =
      room_wanted_ || WouldFreeASegment() || clock_.Now() - cursors_synced_at_ >= kCursorsWait;
  // What the ledger goes before has no other way than this one.
  if (cursors_changed_ && (due || ledger_.waiting() > 0)) work.cursors = EncodeCursors();
  syncing_cursors_ = work.cursors ? work.cursors->at : written_cursors_;
  work.sync_cursors = due && syncing_cursors_.generation > synced_generation_;
  if (work.sync_cursors) room_wanted_ = false;
}

CursorsWork Log::EncodeCursors() {
  cursors_changed_ = false;
  return {.at = {.generation = ++cursors_generation_, .floor = cursors_.floor()},
          .bytes = cursors_.Encode()};
}

std::optional<CursorsWork> Log::CollectCursors() {
  const bool ledger_behind = ledger_out_ || ledger_.waiting() > 0;
  if (cursors_out_ || !cursors_changed_ || ledger_behind || clock_.Now() < quiet_until_) {
    return std::nullopt;
  }
  cursors_out_ = true;
  return EncodeCursors();
}

void Log::ApplyCursors(const CursorsWork& work, const Status& written) {
  CHECK(cursors_out_, "a CursorsWork is applied once");
  cursors_out_ = false;
  if (!written) {
    cursors_changed_ = true;
    quiet_until_ = clock_.Now() + kCursorsWait;
  } else if (work.at.generation > written_cursors_.generation) {
    written_cursors_ = work.at;
  }
}

bool Log::WouldFreeASegment() const {
  const auto lowest = std::find_if(segments_.begin(), segments_.end(), [](const auto& segment) {
    return !segment.second.part.empty();
  });
  if (lowest == segments_.end() || lowest->first == writing_) return false;
  const std::uint64_t last = lowest->second.part.last_sequence;
  return last > synced_floor_ && last <= cursors_.floor();
}

// The last that holds anything: above it may be one that failed and could not be removed.
std::map<std::uint64_t, Log::Segment>::iterator Log::NewestSegment() {
  auto at = segments_.end();
  while (at != segments_.begin()) {
    if (!(--at)->second.part.empty()) return at;
  }
  return segments_.begin();
}

// Segments go from the lowest on, so that what is left is one piece, and only where both a
// checkpoint and every cursor on the disk are above them. The newest stays: it knows the age.
// Returns whether the next one waits for a checkpoint.
bool Log::CollectRemovals(Work& work) {
  const auto newest = NewestSegment();
  for (auto at = segments_.begin(); at != newest; ++at) {
    SegmentPart& part = at->second.part;
    if (part.empty()) continue;  // could not be removed: the next opening tries again
    if (part.last_sequence > synced_floor_) break;
    if (part.end > checkpoint_) return true;
    work.remove.push_back(at->first);
    part.first_sequence = part.last_sequence = 0;  // nobody reads it any more
  }
  return false;
}

// Often enough that an opening has little to read above it, and with many marks so rarely that they
// are an eighth of what is written: 200,000 take 12 MB, every 100 MB. For a segment that waits for
// one at once, where that is less than an eighth or room is short.
void Log::CollectCheckpoint(Work& work, bool needed) {
  const std::uint64_t worth = 8 * kMarkBytes * marks_.size();
  const std::uint64_t growth = std::max(kCheckpointSegments * options_.segment_bytes, worth);
  const bool short_of_room = refused_ || bytes() > options_.max_bytes - options_.max_bytes / 4;
  const bool at_once = needed && (worth <= options_.segment_bytes || short_of_room);
  if ((!at_once && end_ < checkpoint_ + growth) || clock_.Now() < quiet_until_) return;
  work.checkpoint_can_wait = !at_once;
  work.checkpoint = {.position = end_, .cursors = cursors_.Encode(), .marks = marks_.Encode()};
}

// The last that looks at the clock: the ledger goes with whatever speaks of cursors in this Work.
void Log::CollectLedger(Work& work) {
  if (clock_.Now() >= quiet_until_) work.ledger = ledger_.Collect();
  CHECK(ledger_.waiting() == 0 || (!work.cursors && !work.checkpoint),
        "no cursor moves on the disk before the ledger says why");
}

// Whether a segment of which nothing can be read is all that is lost, and not the device: that is
// known once the disk has synced something since it was found, and something is there to be synced.
// What is out now may have been synced before.
bool Log::DeviceWorks(std::uint64_t unreadable) {
  const auto [found, first] = unreadable_.try_emplace(unreadable, syncs_ + (out_ ? 1 : 0));
  if (first) cursors_changed_ = room_wanted_ = true;
  return syncs_ > found->second;
}

// It looks at every mark, so not each time.
void Log::ForgetMarks() {
  const std::uint64_t now = age();
  if (now - marks_forgotten_at_ < kMarksLookedAtEvery) return;
  marks_forgotten_at_ = now;
  if (now > kMarkLife) marks_.Forget(now - kMarkLife);
}

Applied Log::Apply(Done done) {
  CHECK(out_, "a Work is applied once");
  out_ = false;
  Applied applied;
  applied.ledger = done.ledger;
  applied.cursors = done.cursors;
  applied.checkpoint = done.checkpoint;
  ApplyRooms(done);
  if (!done.work.entries.empty()) ApplyRecords(done, applied);
  if (!done.ledger) ledger_.FallBack(done.work.ledger);
  ledger_out_ = false;
  if (!done.cursors) cursors_changed_ = true;
  if (!done.cursors || !done.checkpoint) quiet_until_ = clock_.Now() + kCursorsWait;
  if (done.work.cursors && done.cursors) written_cursors_ = done.work.cursors->at;
  if (done.work.sync_cursors && done.cursors) ApplySyncedCursors(done);
  if (done.work.checkpoint && done.checkpoint) checkpoint_ = done.work.checkpoint->position;
  CountRoom();
  applied.through = synced_through_;
  return applied;
}

void Log::ApplySyncedCursors(const Done& done) {
  // Not so where a sync failed that was to have it: then it is written anew.
  if (done.synced_cursors < syncing_cursors_.generation) {
    cursors_changed_ = true;
    return;
  }
  synced_generation_ = done.synced_cursors;
  // A cursor may have been added meanwhile.
  synced_floor_ = std::min(syncing_cursors_.floor, cursors_.floor());
  milestones_.Forget(synced_floor_);
  ++syncs_;
  cursors_synced_at_ = clock_.Now();
}

void Log::ApplyRecords(const Done& done, Applied& applied) {
  applied.records = done.records;
  if (!done.records) {
    if (done.records.error().code() == Code::kExhausted) refused_ = true;  // by the disk
    // A mark must not pass a record that is not there: what came since goes with it.
    applied.refused_from = done.work.first_sequence;
    pending_.clear();
    pending_bytes_ = 0;
    marks_.FallBack();
    return;
  }
  for (const Entry& entry : done.work.entries) {
    pending_bytes_ -= kGroupFrame + SizeBound(entry);
    if (entry.hop) marks_.Sync(*entry.hop, done.work.stamp.age);
  }
  SegmentPart& part = segments_[done.segment].part;
  part.position = done.segment;
  if (part.empty()) part.first_sequence = done.work.first_sequence;
  synced_through_ = done.work.first_sequence + done.work.entries.size() - 1;
  part.last_sequence = synced_through_;
  milestones_.Add(done.work.first_sequence, synced_through_,
                  done.end - std::max(part.end, done.segment));
  part.end = done.end;
  end_ = done.end;
  writing_ = done.segment;
}

void Log::ApplyRooms(const Done& done) {
  for (const auto& [position, room] : done.rooms) {
    if (room == 0) {
      segments_.erase(position);
      refused_ = false;
    } else {
      segments_[position].room = room;
      segments_[position].part.position = position;
    }
  }
}

void Log::CountRoom() {
  used_bytes_ = 0;
  for (const auto& [position, segment] : segments_) {
    const bool filling = position == writing_ && !segment.part.empty();
    used_bytes_ += filling ? segment.part.end - position : segment.room;
  }
}

Applied Log::Commit() {
  Applied applied;
  applied.through = synced_through_;
  if (std::optional<Work> work = Collect()) applied = Apply(writer_->Do(*std::move(work)));
  if (const auto work = CollectCursors()) {
    const Status written = writer_->Write(*work);
    ApplyCursors(*work, written);
    if (!written) applied.cursors = written;
  }
  return applied;
}

Status Log::AddCursor(const std::string& name) {
  if (cursors_.Find(name) != nullptr) return {};
  std::uint64_t floor = synced_through_;
  for (const auto& [position, segment] : segments_) {
    if (segment.part.empty()) continue;
    floor = segment.part.first_sequence - 1;
    break;
  }
  RETURN_IF_ERROR(cursors_.Add(name, floor));
  // It holds back from now on, though the disk does not know yet: after a restart it is added anew.
  synced_floor_ = std::min(synced_floor_, floor);
  cursors_changed_ = true;
  return {};
}

Status Log::RemoveCursor(const std::string& name) {
  RETURN_IF_ERROR(cursors_.Remove(name));
  cursors_changed_ = true;
  return {};
}

Status Log::MarkDone(const std::string& name, std::uint64_t after, std::uint64_t through) {
  RETURN_IF_ERROR(cursors_.Done(name, after, through));
  cursors_changed_ = true;
  return {};
}

Status Log::Drop(const std::string& name, std::uint64_t after, std::uint64_t through, Reason reason,
                 std::uint64_t records, std::uint64_t bytes) {
  const Cursor* const cursor = cursors_.Find(name);
  const std::uint64_t floor = cursor == nullptr ? 0 : cursor->floor;
  if (records == 0 || through <= floor) return MarkDone(name, after, through);
  RETURN_IF_ERROR(ledger_.Admits(reason, name));
  RETURN_IF_ERROR(MarkDone(name, after, through));
  AddToLedger(reason, {name, std::max(after, floor), through, records, bytes});
  return {};
}

Status Log::Note(Reason reason, const std::string& name, std::uint64_t after, std::uint64_t through,
                 std::uint64_t records, std::uint64_t bytes) {
  RETURN_IF_ERROR(ledger_.Admits(reason, name));
  AddToLedger(reason, {name, after, through, records, bytes});
  return {};
}

void Log::AddToLedger(Reason reason, const Evicted& left) {
  ledger_.Add({.number = 0,
               .wall = Now().wall,
               .reason = reason,
               .reader = left.name,
               .after = left.after,
               .through = left.through,
               .records = left.records,
               .bytes = left.bytes});
}

std::uint64_t Log::age() const { return opened_age_ + InMs(clock_.Now() - opened_at_); }

Stamp Log::Now() const { return {.age = age(), .wall = InMs(clock_.WallNow().time_since_epoch())}; }

}  // namespace postern::queue
