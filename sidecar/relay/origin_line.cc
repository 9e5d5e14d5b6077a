#include "sidecar/relay/origin_line.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace postern::relay {

void OriginLine::DropFront() {
  CHECK(!is_out(), "what is in flight is not dropped");
  Remove(0, 1);
  behind_ = false;
}

OriginLine::End OriginLine::OnTaken() {
  End end;
  const std::size_t first = this->first();
  const std::size_t count = std::exchange(requested_, 0);
  for (std::size_t i = 0; i < count; ++i) end.done.push_back(waiting_[first + i]);
  if (behind_) end.parked = waiting_.front();
  behind_ = false;
  Remove(0, first + count);
  return end;
}

OriginLine::End OriginLine::OnFault() {
  if (requested_ > 1) {
    Split();
    return {};
  }
  requested_ = 0;
  const std::uint64_t faulty = waiting_[first()];
  Remove(first(), 1);
  if (waiting_.size() < 2) behind_ = false;
  return {.done = {faulty}, .parked = {}};
}

bool OriginLine::OnRefused(bool may_park) {
  const std::size_t count = std::exchange(requested_, 0);
  if (std::exchange(behind_, false)) return false;
  ++refused_;
  if (refused_ < kPatience) return false;
  if (count > 1) {
    requested_ = count;
    Split();
    return false;
  }
  behind_ = may_park && waiting_.size() > 1;
  return behind_;
}

// Each of them was refused as often as all of them were: none is given as many tries again.
void OriginLine::Split() {
  alone_ = std::exchange(requested_, 0);
  refused_merged_ = refused_;
}

void OriginLine::Remove(std::size_t index, std::size_t count) {
  const auto from = waiting_.begin() + static_cast<std::ptrdiff_t>(index);
  waiting_.erase(from, from + static_cast<std::ptrdiff_t>(count));
  if (alone_ > index) alone_ -= std::min(alone_ - index, count);
  if (index == 0) refused_ = alone_ > 0 ? refused_merged_ : 0;
}

}  // namespace postern::relay
