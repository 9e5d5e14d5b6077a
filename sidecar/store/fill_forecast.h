// FillForecast: when a queue will be full if it goes on growing as it did in the last minute.
//
// Pure: reads no clock. Growth is that of what readers still need, not of what lies on the disk:
// that rises and falls by whole segments where nobody is behind.
//
//   forecast.Look(now, log.NeededBytes());            // once a second
//   forecast.SecondsToFull(max_bytes - log.bytes());  // infinite where it does not grow
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>

#include "lib/base/clock.h"

namespace postern::store {

class FillForecast {
 public:
  static constexpr base::Duration kWindow = std::chrono::seconds(60);
  // With less to go by there is no forecast.
  static constexpr base::Duration kLeast = std::chrono::seconds(10);

  // `needed` bytes are kept for some reader. Calls come in the order of time.
  void Look(base::Instant now, std::uint64_t needed);
  // Bytes a second, net; below zero where readers catch up.
  double growth() const;
  // Until `room` bytes more are used; infinite where they will not be.
  double SecondsToFull(std::uint64_t room) const;

 private:
  struct Sample {
    base::Instant at;
    std::uint64_t needed = 0;
  };
  std::deque<Sample> samples_;  // of the window, rising, and the last one before it
};

}  // namespace postern::store
