#include "sidecar/link/silence.h"

#include <gtest/gtest.h>

namespace postern::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

int TicksUntilDead(SilenceJudge& judge) {
  int ticks = 1;
  while (!judge.Tick(false)) ++ticks;
  return ticks;
}

TEST(SilenceJudge, CallsAPeerDeadAfterTheConfiguredSilence) {
  SilenceJudge judge(seconds(5));
  EXPECT_EQ(judge.tick(), milliseconds(500));
  EXPECT_EQ(TicksUntilDead(judge), 10);
}

TEST(SilenceJudge, AnyByteIsLife) {
  SilenceJudge judge(seconds(5));
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(judge.Tick(false));
  EXPECT_FALSE(judge.Tick(true));
  EXPECT_EQ(TicksUntilDead(judge), 10);
}

TEST(SilenceJudge, LateTickCountsOnce) {
  // However long we were stopped between two ticks, the judge sees one: it is told no time at all.
  SilenceJudge judge(seconds(5));
  EXPECT_FALSE(judge.Tick(false));
}

TEST(SilenceJudge, WaitsLongerOnASlowLink) {
  SilenceJudge judge(seconds(5));
  judge.Measured(seconds(2));  // srtt 2 s, rttvar 1 s: 4·2 + 8·1
  EXPECT_EQ(judge.timeout(), seconds(16));
  for (int i = 0; i < 100; ++i) judge.Measured(milliseconds(10));
  EXPECT_EQ(judge.timeout(), seconds(5)) << "and no longer than configured on a fast one";
}

TEST(SilenceJudge, PatienceHasABound) {
  SilenceJudge judge(seconds(5));
  judge.Measured(seconds(100));
  EXPECT_EQ(judge.timeout(), seconds(60));
  SilenceJudge patient(seconds(90));
  EXPECT_EQ(patient.timeout(), seconds(90)) << "but the configuration may ask for more";
}

}  // namespace
}  // namespace postern::link
