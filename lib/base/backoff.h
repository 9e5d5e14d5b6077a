// How long to wait before the next try: doubling, bounded, with jitter.
//
//   Backoff backoff({.first = 100ms, .most = 5s}, seed);
//   loop.PostAfter(backoff.Next(), …);   // and backoff.Reset() once it worked
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <random>

#include "lib/base/clock.h"

namespace postern::base {

class Backoff {
 public:
  struct Options {
    Duration first = std::chrono::milliseconds(100);
    Duration most = std::chrono::seconds(5);
  };

  Backoff(Options options, std::uint64_t seed) : options_(options), random_(seed) {}

  // Returns a wait from [d/2, d], where d doubles with each call from `first` to `most`. The lower
  // half is random so that children of a parent that came back do not all dial at once.
  Duration Next();
  void Reset() { tries_ = 0; }

 private:
  Options options_;
  unsigned tries_ = 0;
  std::mt19937_64 random_;
};

}  // namespace postern::base
