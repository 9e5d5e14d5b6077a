#include "sidecar/store/holdings.h"

#include <algorithm>
#include <iterator>

namespace postern::store {

void Holdings::Add(std::uint64_t after, std::uint64_t through, std::uint64_t age) {
  const auto next = spans_.upper_bound(after);
  if (next != spans_.end()) through = std::min(through, next->first);
  if (next != spans_.begin()) {
    Span& before = std::prev(next)->second;
    after = std::max(after, before.through);
    if (after == before.through && age < before.age + span_age_) {
      before.through = std::max(before.through, through);
      return;
    }
  }
  if (after >= through) return;
  spans_.emplace_hint(next, after, Span{.through = through, .age = age});
  if (spans_.size() > kMostSpans) JoinNeighbours();
}

void Holdings::Pass(std::uint64_t floor) {
  while (!spans_.empty() && spans_.begin()->second.through <= floor) spans_.erase(spans_.begin());
  if (spans_.empty()) span_age_ = kSpanAge;
}

std::optional<std::uint64_t> Holdings::OldestAge(std::uint64_t floor) const {
  auto at = spans_.upper_bound(floor);
  if (at != spans_.begin() && std::prev(at)->second.through > floor) --at;
  if (at == spans_.end()) return std::nullopt;
  return at->second.age;
}

// From now on spans are as long as those that are there: none is coarser than it has to be.
void Holdings::JoinNeighbours() {
  span_age_ *= 2;
  for (auto at = spans_.begin(); at != spans_.end() && std::next(at) != spans_.end(); ++at) {
    at->second.through = std::next(at)->second.through;
    spans_.erase(std::next(at));
  }
}

}  // namespace postern::store
