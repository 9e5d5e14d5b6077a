// Eventually: waits for a fact that no line of a log tells.
//
//   EXPECT_TRUE(Eventually([&] { return gate.accepted() > before; }, 15s));
//
// Threads: any.
#pragma once

#include <chrono>
#include <thread>

#include "lib/base/clock.h"

namespace postern::support {

// Asks until `fact` holds; false where it does not within `most`. It is asked at least once.
template <typename Fact>
bool Eventually(Fact fact, base::Duration most) {
  const base::Instant until = std::chrono::steady_clock::now() + most;
  while (!fact()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace postern::support
