// SilenceJudge: when a silent peer counts as dead.
//
// Counts silence in ticks of our own, not in wall time: a relay that was paused (SIGSTOP, a frozen
// VM, a starved CPU) gets one late tick, not a verdict about its peer. The time-out adapts to slow
// links after RFC 6298, as docs/link-protocol.md tells:
//
//   time-out = max(deadAfter, min(60 s, 4·srtt + 8·rttvar))
//
// Pure. Threads: loop.
#pragma once

#include "lib/base/clock.h"

namespace postern::link {

class SilenceJudge {
 public:
  explicit SilenceJudge(base::Duration dead_after) : dead_after_(dead_after) {}

  // How often Tick wants to be called.
  base::Duration tick() const { return dead_after_ / 10; }
  base::Duration timeout() const;

  // A heartbeat came back after `rtt`.
  void Measured(base::Duration rtt);
  // One tick is over; `heard`: any byte came since the last one, or lies unread in the socket.
  // Returns whether the peer counts as dead now.
  bool Tick(bool heard);

  base::Duration srtt() const { return srtt_; }

 private:
  base::Duration dead_after_;
  base::Duration srtt_{0};
  base::Duration rttvar_{0};
  int silent_ticks_ = 0;
};

}  // namespace postern::link
