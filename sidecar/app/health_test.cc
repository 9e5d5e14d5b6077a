#include "sidecar/app/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/testing/fake_clock.h"

namespace postern::app {
namespace {

using std::chrono::seconds;

TEST(Health, IsAliveAsLongAsTheLoopBeats) {
  base::FakeClock clock;
  Health health(clock);
  EXPECT_TRUE(health.Alive());
  for (int i = 0; i < 5; ++i) {
    clock.Advance(Health::kLongestTurn - seconds(1));
    EXPECT_TRUE(health.Alive());
    health.Beat();
  }
  clock.Advance(Health::kLongestTurn);
  EXPECT_FALSE(health.Alive()) << "the loop hangs";
  health.Beat();
  EXPECT_TRUE(health.Alive());
}

TEST(Health, IsNotReadyBeforeItIsTold) {
  base::FakeClock clock;
  Health health(clock);
  EXPECT_THAT(health.NotReady(), testing::ElementsAre("starting"));
  health.SetNotReady({});
  EXPECT_THAT(health.NotReady(), testing::IsEmpty());
}

}  // namespace
}  // namespace postern::app
