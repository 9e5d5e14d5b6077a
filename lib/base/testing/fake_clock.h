// A clock that moves only when a test says so.
//
// Threads: loop.
#pragma once

#include "lib/base/clock.h"

namespace postern::base {

class FakeClock final : public Clock {
 public:
  Instant Now() const override { return now_; }
  WallTime WallNow() const override { return wall_; }

  // Moves both clocks forward.
  void Advance(Duration by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }
  // Steps the wall clock alone, as NTP or an operator does.
  void StepWall(WallTime to) { wall_ = to; }

 private:
  Instant now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::seconds(1'800'000'000)};
};

}  // namespace postern::base
