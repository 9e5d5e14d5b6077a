// Time as the code sees it: a monotonic clock for decisions, a wall clock for certificates and
// people.
//
// No decision that ends or moves a connection uses a wall clock, ours or a peer's: it can be
// stepped.
//
// Threads: any.
#pragma once

#include <chrono>

namespace postern::base {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::steady_clock::time_point;   // comparable only within one process
using WallTime = std::chrono::system_clock::time_point;  // may jump

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;
  virtual WallTime WallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant Now() const override { return std::chrono::steady_clock::now(); }
  WallTime WallNow() const override { return std::chrono::system_clock::now(); }
};

}  // namespace postern::base
