#include "lib/queue/log_reader.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "lib/queue/internal/salvage.h"

namespace postern::queue {

using base::Code;
using base::Result;
using base::Status;

Result<std::vector<StoredEntry>> LogReader::Read(std::uint64_t after) {
  auto at = read_ <= after ? log_.segments_.find(segment_) : log_.segments_.end();
  if (at == log_.segments_.end()) at = log_.segments_.begin();
  for (; at != log_.segments_.end(); ++at) {
    const SegmentPart& part = at->second.part;
    if (part.empty() || part.last_sequence <= after) continue;
    if (segment_ != at->first || read_ > after) {
      const Status opened = OpenSegment(part);
      if (!opened && !IsLost(part, opened.error())) return opened.error();
      if (!opened) {
        // As Recovery has it: from where the segment before ends.
        const bool first = at == log_.segments_.begin();
        Tell({.from = first ? part.position : std::prev(at)->second.part.end,
              .to = part.end,
              .after = part.first_sequence - 1,
              .before = part.last_sequence + 1});
        continue;
      }
    }
    ASSIGN_OR_RETURN(auto entries, ReadIn(part, after));
    if (!entries.empty()) return entries;
  }
  return std::vector<StoredEntry>();
}

// Reads on in the open segment; empty where it holds nothing more above `after`.
Result<std::vector<StoredEntry>> LogReader::ReadIn(const SegmentPart& part, std::uint64_t after) {
  while (next_ < part.end) {
    const auto& holes = log_.holes_;
    const auto hole = std::find_if(holes.begin(), holes.end(), [this](const Damage& one) {
      return one.from <= next_ && next_ < one.to;
    });
    if (hole != holes.end()) {
      next_ = std::min(hole->to, part.end);
      continue;
    }
    auto group = GroupAt(next_, part.end, after);
    if (!group) {
      RETURN_IF_ERROR(PassOver(part, group.error()));
      continue;
    }
    log_.unreadable_.erase(segment_);
    next_ = group->head.end();
    read_ = group->head.last_sequence();
    std::erase_if(group->entries,
                  [after](const StoredEntry& one) { return one.sequence <= after; });
    if (!group->entries.empty()) return std::move(group->entries);
  }
  return std::vector<StoredEntry>();
}

Result<LogReader::ReadGroup> LogReader::GroupAt(std::uint64_t position, std::uint64_t end,
                                                std::uint64_t after) const {
  std::array<char, kGroupHeadSize> start{};
  RETURN_IF_ERROR(fs::ReadExactly(*file_, position - segment_, start));
  ReadGroup group;
  ASSIGN_OR_RETURN(group.head,
                   ParseGroupHead({start.data(), start.size()}, log_.identity_.tag, position));
  if (group.head.end() > end) return base::Fail(Code::kCorrupt, "a group passes its segment's end");
  if (group.head.last_sequence() <= after) return group;  // its entries are not asked for
  base::BytesBuilder builder(group.head.size);
  RETURN_IF_ERROR(
      fs::ReadExactly(*file_, position - segment_, {builder.FillAll(), group.head.size}));
  const base::Bytes bytes = std::move(builder).Finish();
  RETURN_IF_ERROR(CheckGroup(bytes.view(), group.head));
  ASSIGN_OR_RETURN(group.entries, ParseEntries(bytes, group.head));
  return group;
}

Status LogReader::OpenSegment(const SegmentPart& part) {
  ASSIGN_OR_RETURN(file_, log_.folder_->Open(FileName(FileKind::kSegment, part.position)));
  segment_ = part.position;
  next_ = part.position + kSegmentHeadSize;
  read_ = 0;
  return {};
}

// Whether a segment that cannot be opened is lost: somebody removed it, or all else can be used.
bool LogReader::IsLost(const SegmentPart& part, const base::Error& error) {
  if (error.code() == Code::kNotFound) return true;
  if (error.code() == Code::kExhausted) return false;  // too many files are open
  return log_.DeviceWorks(part.position);
}

// Goes to the next whole group of the segment, or to its end.
Status LogReader::PassOver(const SegmentPart& part, const base::Error& error) {
  auto salvaged = internal::Salvage(*file_, 0, part.end - segment_);
  if (!salvaged && !log_.DeviceWorks(segment_)) return std::move(salvaged).error();
  const std::string bytes = std::move(salvaged).value_or("");
  const std::size_t at = next_ - segment_;
  // What could not be read may be readable again; what was read and is no group stays none.
  const bool corrupt = error.code() == Code::kCorrupt;
  const auto group =
      FindGroup(bytes, corrupt ? at + kGroupAlignment : at, segment_, log_.identity_.tag);
  if (group && group->head.position == next_) return error;
  Damage damage{.from = next_,
                .to = group ? group->head.position : part.end,
                .after = std::max(read_, part.first_sequence - 1),
                .before = group ? group->head.first_sequence : part.last_sequence + 1};
  // So does a damaged beginning.
  const auto head = ParseSegmentHead(bytes);
  if (at == kSegmentHeadSize && head && IsHeadOf(*head, segment_, log_.identity_.tag)) {
    damage.from = head->former_end;
  }
  next_ = damage.to;
  Tell(damage);
  return {};
}

void LogReader::Tell(Damage damage) {
  const auto tells = [&damage](const Damage& one) {
    return one.from <= damage.from && damage.to <= one.to;
  };
  auto& holes = log_.holes_;
  if (std::any_of(holes.begin(), holes.end(), tells)) return;
  holes.push_back(damage);
  if (damage.before <= log_.synced_floor_ + 1) return;  // every reader was above it
  damage.known = !log_.damaged_files_.SetAside(*log_.folder_, damage);
  log_.untold_.push_back(damage);
}

}  // namespace postern::queue
