#include "lib/queue/recovery.h"

#include <algorithm>

namespace postern::queue {

namespace {

constexpr std::string_view kGroupMagic = "PGRP";

std::optional<FoundGroup> GroupAt(std::string_view segment, std::size_t at, std::uint64_t position,
                                  const Tag& tag) {
  const auto head = ParseGroupHead(segment.substr(at), tag, position + at);
  if (!head) return std::nullopt;
  const auto previous_end = CheckGroup(segment.substr(at), *head);
  if (!previous_end) return std::nullopt;
  return FoundGroup{.head = *head, .previous_end = *previous_end};
}

}  // namespace

std::optional<FoundGroup> FindGroup(std::string_view segment, std::size_t from,
                                    std::uint64_t position, const Tag& tag) {
  for (std::size_t at = segment.find(kGroupMagic, from); at != std::string_view::npos;
       at = segment.find(kGroupMagic, at + 1)) {
    if ((at - from) % kGroupAlignment != 0) continue;
    if (auto group = GroupAt(segment, at, position, tag)) return group;
  }
  return std::nullopt;
}

bool IsHeadOf(const SegmentHead& head, std::uint64_t position, const Tag& tag) {
  return head.tag == tag && head.position == position && head.former_end <= position;
}

std::vector<SegmentPart> BoundSegments(const std::vector<SegmentGlance>& segments,
                                       std::uint64_t checkpoint) {
  std::vector<SegmentPart> parts(segments.size());
  std::uint64_t lowest = checkpoint;  // no later head names an end below
  for (std::size_t i = segments.size(); i-- > 1;) {
    const SegmentGlance& one = segments[i - 1];
    const auto& next = segments[i].head;
    if (!next) continue;
    const std::uint64_t end = next->former_end;
    const bool covered = end <= lowest;
    lowest = std::min(lowest, end);
    const bool inside = end > one.position + kSegmentHeadSize && end <= one.position + one.size;
    if (i + 1 >= segments.size() || !covered || !inside || !one.head) continue;
    const std::uint64_t first = one.head->first_sequence;
    if (first == 0 || next->first_sequence <= first) continue;
    parts[i - 1] = {.position = one.position,
                    .end = end,
                    .first_sequence = first,
                    .last_sequence = next->first_sequence - 1};
  }
  return parts;
}

SegmentScan ScanSegment(std::string_view bytes, std::uint64_t position, const Tag& tag) {
  SegmentScan scan{.position = position, .head = std::nullopt, .groups = {}};
  const auto head = ParseSegmentHead(bytes.substr(0, kSegmentHeadSize));
  if (head && IsHeadOf(*head, position, tag)) scan.head = *head;
  auto group = FindGroup(bytes, kSegmentHeadSize, position, tag);
  while (group) {
    const std::size_t behind = group->head.end() - position;
    scan.groups.push_back(*group);
    group = FindGroup(bytes, behind, position, tag);
  }
  return scan;
}

void Recovery::Add(const SegmentScan& scan) {
  if (segments_.empty()) {
    // What was before the first segment was removed because it is done with.
    reached_ = scan.position;
    if (scan.head) reached_ = scan.head->former_end;
    if (!scan.head && !scan.groups.empty()) {
      reached_ = std::min(reached_, scan.groups.front().previous_end);
    }
  }
  SegmentPart part;
  part.position = part.end = scan.position;
  segments_.push_back(part);
  if (scan.head) ReachTo(scan.head->former_end);
  for (const FoundGroup& group : scan.groups) {
    ReachTo(group.previous_end);
    Keep(group);
  }
  // The very last one is kept however far below it stands: it knows the age.
  while (kept_.size() > 1 && kept_.front().segment + 2 < segments_.size()) kept_.pop_front();
}

void Recovery::AddUnread(const SegmentPart& part, std::uint64_t former_end) {
  if (segments_.empty()) reached_ = former_end;
  segments_.push_back(part);
  ReachTo(former_end);
  EndDamages(part.first_sequence);
  kept_.clear();
  reached_ = unread_end_ = part.end;
  last_sequence_ = part.last_sequence;
}

void Recovery::AddUnreadable(std::uint64_t position, std::uint64_t end) {
  if (segments_.empty()) reached_ = position;
  SegmentPart part;
  part.position = part.end = position;
  segments_.push_back(part);
  ReachTo(end);
}

std::optional<FoundGroup> Recovery::last() const {
  if (kept_.empty()) return std::nullopt;
  return kept_.back().group;
}

void Recovery::ReachTo(std::uint64_t end) {
  if (end < unread_end_) fits_ = false;
  if (end > reached_) {
    damages_.push_back({.from = reached_, .to = end, .after = last_sequence_, .before = 0});
  }
  while (!kept_.empty() && kept_.back().group.head.end() > end) DropLast();
  while (!damages_.empty() && damages_.back().from >= end) damages_.pop_back();
  for (auto damage = damages_.rbegin(); damage != damages_.rend() && damage->to >= end; ++damage) {
    damage->to = end;
    damage->before = 0;  // for what comes next to say
  }
  reached_ = end;
}

void Recovery::Keep(const FoundGroup& group) {
  const GroupHead& head = group.head;
  SegmentPart& segment = segments_.back();
  if (segment.empty()) segment.first_sequence = head.first_sequence;
  segment.last_sequence = head.last_sequence();
  segment.end = head.end();
  EndDamages(head.first_sequence);
  kept_.push_back({.segment = segments_.size() - 1, .group = group});
  reached_ = head.end();
  last_sequence_ = head.last_sequence();
}

void Recovery::EndDamages(std::uint64_t first_sequence) {
  for (auto damage = damages_.rbegin(); damage != damages_.rend() && damage->before == 0;
       ++damage) {
    damage->before = first_sequence;
  }
}

void Recovery::DropLast() {
  const std::size_t dropped = kept_.back().segment;
  kept_.pop_back();
  SegmentPart& segment = segments_[dropped];
  if (!kept_.empty() && kept_.back().segment == dropped) {
    segment.end = kept_.back().group.head.end();
    segment.last_sequence = kept_.back().group.head.last_sequence();
  } else {
    segment.end = segment.position;
    segment.first_sequence = segment.last_sequence = 0;
  }
  const auto last = std::find_if(segments_.rbegin(), segments_.rend(),
                                 [](const SegmentPart& part) { return !part.empty(); });
  last_sequence_ = last == segments_.rend() ? 0 : last->last_sequence;
}

}  // namespace postern::queue
