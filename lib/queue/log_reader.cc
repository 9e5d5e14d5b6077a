#include "lib/queue/log_reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

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
      if (!opened && opened.error().code() != Code::kNotFound) return opened.error();
      if (!opened) {  // somebody removed it
        ++damages_;
        continue;
      }
    }
    while (next_ < part.end) {
      const auto head = HeadAt(next_);
      if (!head && head.error().code() != Code::kCorrupt) return head.error();
      if (!head || head->end() > part.end) {
        RETURN_IF_ERROR(PassOver(part));
        continue;
      }
      if (head->last_sequence() <= after) {
        next_ = head->end();
        read_ = head->last_sequence();
        continue;
      }
      ASSIGN_OR_RETURN(const base::Bytes bytes, BytesAt(*head));
      auto entries = CheckGroup(bytes.view(), *head) ? ParseEntries(bytes, *head)
                                                     : base::Fail(Code::kCorrupt, "");
      if (!entries) {
        RETURN_IF_ERROR(PassOver(part));
        continue;
      }
      next_ = head->end();
      read_ = head->last_sequence();
      std::erase_if(*entries, [after](const StoredEntry& one) { return one.sequence <= after; });
      return entries;
    }
  }
  return std::vector<StoredEntry>();
}

Status LogReader::OpenSegment(const SegmentPart& part) {
  ASSIGN_OR_RETURN(file_, log_.folder_->Open(FileName(FileKind::kSegment, part.position)));
  segment_ = part.position;
  next_ = part.position + kSegmentHeadSize;
  read_ = 0;
  return {};
}

Result<GroupHead> LogReader::HeadAt(std::uint64_t position) const {
  std::array<char, kGroupHeadSize> bytes;
  RETURN_IF_ERROR(fs::ReadExactly(*file_, position - segment_, bytes));
  return ParseGroupHead({bytes.data(), bytes.size()}, log_.identity_.tag, position);
}

Result<base::Bytes> LogReader::BytesAt(const GroupHead& head) const {
  base::BytesBuilder bytes(head.size);
  RETURN_IF_ERROR(fs::ReadExactly(*file_, head.position - segment_, {bytes.FillAll(), head.size}));
  return std::move(bytes).Finish();
}

// Goes to the next whole group of the segment, or to its end.
Status LogReader::PassOver(const SegmentPart& part) {
  std::string rest(part.end - segment_, '\0');
  RETURN_IF_ERROR(fs::ReadExactly(*file_, 0, rest));
  const std::size_t from = next_ - segment_ + kGroupAlignment;
  const auto group = FindGroup(rest, from, segment_, log_.identity_.tag);
  const auto& known = log_.report_.damages;
  if (std::none_of(known.begin(), known.end(), [this](const Damage& damage) {
        return damage.from <= next_ && next_ < damage.to;
      })) {
    ++damages_;
  }
  next_ = group ? group->head.position : part.end;
  return {};
}

}  // namespace postern::queue
