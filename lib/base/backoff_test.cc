#include "lib/base/backoff.h"

#include <gtest/gtest.h>

namespace postern::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DoublesWithinItsBounds) {
  Backoff backoff({.first = milliseconds(100), .most = seconds(5)}, 7);
  Duration ceiling = milliseconds(100);
  for (int i = 0; i < 80; ++i) {
    const Duration wait = backoff.Next();
    EXPECT_LE(wait, ceiling) << "try " << i;
    EXPECT_GE(wait, ceiling / 2) << "try " << i;
    ceiling = std::min<Duration>(ceiling * 2, seconds(5));
  }
}

TEST(Backoff, StartsAgainAfterSuccess) {
  Backoff backoff({.first = milliseconds(100), .most = seconds(5)}, 7);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), milliseconds(100));
}

TEST(Backoff, DiffersBetweenSeeds) {
  Backoff one({.first = seconds(1), .most = seconds(60)}, 1);
  Backoff two({.first = seconds(1), .most = seconds(60)}, 2);
  EXPECT_NE(one.Next(), two.Next());
}

}  // namespace
}  // namespace postern::base
