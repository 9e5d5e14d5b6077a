#include "sidecar/link/silence.h"

#include <algorithm>

namespace postern::link {
namespace {

constexpr base::Duration kMostPatience = std::chrono::seconds(60);

}  // namespace

base::Duration SilenceJudge::timeout() const {
  return std::max(dead_after_, std::min(kMostPatience, 4 * srtt_ + 8 * rttvar_));
}

void SilenceJudge::Measured(base::Duration rtt) {
  if (srtt_ == base::Duration::zero()) {
    srtt_ = rtt;
    rttvar_ = rtt / 2;
    return;
  }
  // RFC 6298, section 2.3: alpha = 1/8, beta = 1/4.
  const base::Duration deviation = srtt_ > rtt ? srtt_ - rtt : rtt - srtt_;
  rttvar_ = (3 * rttvar_ + deviation) / 4;
  srtt_ = (7 * srtt_ + rtt) / 8;
}

bool SilenceJudge::Tick(bool heard) {
  silent_ticks_ = heard ? 0 : silent_ticks_ + 1;
  return silent_ticks_ * tick() >= timeout();
}

}  // namespace postern::link
