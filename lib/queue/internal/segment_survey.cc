#include "lib/queue/internal/segment_survey.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/queue/log_state.h"

namespace postern::queue::internal {

using base::Code;
using base::Status;

namespace {

constexpr std::size_t kUnsettled = 2;  // segments of which a later one can still void a part

SegmentScan Scan(const SettledSegment& segment, const Tag& tag) {
  return ScanSegment(segment.bytes.view(), segment.part.position, tag);
}

// Whether something before the last group of a segment is not whole.
bool HasGap(const SegmentScan& scan) {
  if (scan.groups.empty()) return false;
  std::uint64_t next = scan.position + kSegmentHeadSize;
  for (const FoundGroup& group : scan.groups) {
    if (group.head.position != next) return true;
    next = group.head.end();
  }
  return !scan.head;
}

// Another file may well be readable.
bool MayBeItsOwnFault(const base::Error& error) {
  return error.code() == Code::kUnavailable || error.code() == Code::kDenied;
}

}  // namespace

Status SegmentSurvey::Run(const std::vector<std::uint64_t>& positions, const Visit& visit) {
  for (auto position = positions.begin(); position != positions.end(); ++position) {
    SettledSegment segment;
    segment.part.position = *position;
    Status read = Read(segment);
    if (!read && read.error().code() == Code::kNotFound) {
      RETURN_IF_ERROR(Settle(0, visit));
      Restart();
      ++removed_;
      continue;
    }
    if (!read && !MayBeItsOwnFault(read.error())) return read;
    segment.unread = !read;
    const auto next = std::next(position);
    Add(std::move(segment), next == positions.end() ? std::nullopt : std::optional(*next));
    RETURN_IF_ERROR(Settle(kUnsettled, visit));
  }
  RETURN_IF_ERROR(Settle(0, visit));
  damages_.insert(damages_.end(), recovery_.damages().begin(), recovery_.damages().end());
  return {};
}

// `next`: where the next segment begins.
void SegmentSurvey::Add(SettledSegment segment, std::optional<std::uint64_t> next) {
  const std::uint64_t position = segment.part.position;
  if (segment.unread) {
    recovery_.AddUnreadable(
        position, next.value_or(position + std::max<std::uint64_t>(segment.size, kSector)));
  } else {
    SegmentScan scan = Scan(segment, tag_);
    recovery_.Add(scan);
    segment.head = scan.head;
    segment.groups = std::move(scan.groups);
  }
  pending_.push_back(std::move(segment));
}

// Where a segment is missing, the next one's head says nothing about those before it.
void SegmentSurvey::Restart() {
  damages_.insert(damages_.end(), recovery_.damages().begin(), recovery_.damages().end());
  recovery_ = Recovery();
  settled_ = 0;
}

Status SegmentSurvey::Settle(std::size_t left, const Visit& visit) {
  while (pending_.size() > left) {
    SettledSegment segment = std::move(pending_.front());
    pending_.pop_front();
    segment.part = recovery_.segments()[settled_++];
    std::erase_if(segment.groups, [&part = segment.part](const FoundGroup& group) {
      return part.empty() || group.head.end() > part.end;
    });
    RETURN_IF_ERROR(visit(segment));
  }
  return {};
}

Status SegmentSurvey::Read(SettledSegment& segment) const {
  const std::uint64_t position = segment.part.position;
  ASSIGN_OR_RETURN(const auto file, folder_.OpenToRead(FileName(FileKind::kSegment, position)));
  ASSIGN_OR_RETURN(segment.size, file->Size());
  RETURN_IF_ERROR(ReadBytes(*file, segment.size, segment));
  const SegmentScan scan = Scan(segment, tag_);
  if (HasGap(scan)) {
    RETURN_IF_ERROR(ReadBytes(*file, scan.groups.back().head.end() - position, segment));
  }
  const auto head = ParseSegmentHead(segment.bytes.view().substr(0, kSegmentHeadSize));
  if (!head && head.error().code() == Code::kInvalid) {
    return head.error().In("reading " + file->path());
  }
  segment.foreign = head && head->tag != tag_;
  return {};
}

// As far as the file reaches; what cannot be read of it is zeroes.
Status SegmentSurvey::ReadBytes(const fs::File& file, std::uint64_t size,
                                SettledSegment& into) const {
  base::BytesBuilder builder(size);
  const std::span<char> memory(builder.FillAll(), size);
  const auto whole = file.ReadAt(0, memory);
  std::size_t got = size;
  into.unreadable.clear();
  if (whole) {
    got = *whole;
  } else {
    std::fill(memory.begin(), memory.end(), '\0');
    bool any = false;
    for (std::size_t at = 0; at < size; at += kSector) {
      const std::span<char> sector = memory.subspan(at, std::min<std::size_t>(kSector, size - at));
      const bool read = file.ReadAt(at, sector).has_value();
      if (!read) into.unreadable.push_back(into.part.position + at);
      any = any || read;
    }
    if (!any) return whole.error();  // not a sector: the file or the device
  }
  into.bytes = std::move(builder).Finish().Slice(0, got);
  return {};
}

}  // namespace postern::queue::internal
