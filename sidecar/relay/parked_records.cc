#include "sidecar/relay/parked_records.h"

#include <chrono>

namespace postern::relay {

namespace {

constexpr base::Duration kEvery = std::chrono::minutes(1);

}  // namespace

void ParkedRecords::Add(std::uint64_t sequence, const Parked& parked, base::Instant now) {
  if (all_.empty()) {
    round_ = now + kEvery;
    tried_ = 0;
  }
  all_.emplace(sequence, parked);
}

std::optional<std::uint64_t> ParkedRecords::Next(base::Instant now) {
  if (all_.empty() || now < round_) return std::nullopt;
  const auto next = all_.upper_bound(tried_);
  if (next == all_.end()) {
    round_ = now + kEvery;
    tried_ = 0;
    return std::nullopt;
  }
  tried_ = next->first;
  return next->first;
}

}  // namespace postern::relay
