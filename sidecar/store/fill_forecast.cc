#include "sidecar/store/fill_forecast.h"

#include <limits>

namespace postern::store {

void FillForecast::Look(base::Instant now, std::uint64_t needed) {
  samples_.push_back({now, needed});
  while (samples_.size() > 2 && now - samples_[1].at >= kWindow) samples_.pop_front();
}

double FillForecast::growth() const {
  if (samples_.empty() || samples_.back().at - samples_.front().at < kLeast) return 0;
  const std::chrono::duration<double> span = samples_.back().at - samples_.front().at;
  const auto before = static_cast<double>(samples_.front().needed);
  return (static_cast<double>(samples_.back().needed) - before) / span.count();
}

double FillForecast::SecondsToFull(std::uint64_t room) const {
  const double grows = growth();
  if (grows <= 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(room) / grows;
}

}  // namespace postern::store
