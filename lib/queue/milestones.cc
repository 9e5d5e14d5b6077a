#include "lib/queue/milestones.h"

#include <algorithm>

namespace postern::queue {

void Milestones::Add(std::uint64_t first, std::uint64_t through, std::uint64_t bytes) {
  // Over a gap between sequences nothing could be told from how far along one is.
  const bool joins = !stones_.empty() && stones_.back().through + 1 == first &&
                     stones_.back().bytes + bytes <= spacing_;
  if (joins) {
    stones_.back().through = through;
    stones_.back().bytes += bytes;
  } else {
    stones_.push_back({.first = first, .through = through, .before = total_, .bytes = bytes});
  }
  total_ += bytes;
}

void Milestones::Forget(std::uint64_t through) {
  while (!stones_.empty() && stones_.front().through <= through) stones_.pop_front();
}

std::uint64_t Milestones::BytesAbove(std::uint64_t sequence) const {
  const auto stone = std::ranges::upper_bound(stones_, sequence, {}, &Stone::through);
  if (stone == stones_.end()) return 0;
  const std::uint64_t all = total_ - stone->before;
  if (sequence < stone->first) return all;
  const double share = static_cast<double>(sequence - stone->first + 1) /
                       static_cast<double>(stone->through - stone->first + 1);
  return all - static_cast<std::uint64_t>(share * static_cast<double>(stone->bytes));
}

std::uint64_t Milestones::SequenceBehind(std::uint64_t bytes) const {
  const auto near = std::ranges::partition_point(
      stones_, [&](const Stone& stone) { return total_ - stone.before - stone.bytes > bytes; });
  return near == stones_.begin() ? 0 : std::prev(near)->through;
}

}  // namespace postern::queue
