#include "sidecar/relay/parked_records.h"

#include <gtest/gtest.h>

#include <chrono>

namespace postern::relay {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(ParkedRecords, AreTriedOnceInAMinuteEachInOrder) {
  const base::Instant begin{};
  ParkedRecords parked;
  EXPECT_EQ(parked.Next(begin), std::nullopt);
  parked.Add(9, {}, begin);
  parked.Add(7, {}, begin + seconds(30));
  EXPECT_EQ(parked.Next(begin + seconds(59)), std::nullopt);
  for (int round = 1; round <= 3; ++round) {
    const base::Instant now = begin + minutes(round);
    EXPECT_EQ(parked.Next(now), 7U);
    EXPECT_EQ(parked.Next(now), 9U);
    EXPECT_EQ(parked.Next(now), std::nullopt) << "its round is over";
    EXPECT_EQ(parked.Next(now + seconds(59)), std::nullopt);
  }
}

TEST(ParkedRecords, BeginTheirMinuteAnewOnceNoneWasLeft) {
  const base::Instant begin{};
  ParkedRecords parked;
  parked.Add(7, {.after = 6, .age = 1, .size = 5, .may_repeat = true}, begin);
  EXPECT_EQ(parked.Next(begin + minutes(1)), 7U);
  EXPECT_EQ(parked.all().at(7).size, 5U);
  parked.Remove(7);
  EXPECT_EQ(parked.Next(begin + minutes(9)), std::nullopt);
  parked.Add(5, {}, begin + minutes(10));
  EXPECT_EQ(parked.Next(begin + minutes(10) + seconds(59)), std::nullopt);
  EXPECT_EQ(parked.Next(begin + minutes(11)), 5U) << "though it is below the one before";
}

}  // namespace
}  // namespace postern::relay
