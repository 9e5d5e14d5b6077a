#include "lib/log/repeated.h"

#include <gmock/gmock.h>

#include "lib/base/testing/fake_clock.h"
#include "lib/log/testing/capture.h"

namespace postern::log {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using ::testing::ElementsAre;

TEST(Repeated, WritesOneLineAnIntervalAndCountsTheRest) {
  Capture capture;
  base::FakeClock clock;
  Repeated refused(capture.logger(), clock, 10s);
  const auto write = [&refused](int port) {
    refused.Write(Level::kWarn, "connection refused", {{"port", port}});
  };
  write(1);
  write(2);
  clock.Advance(9999ms);
  write(3);
  EXPECT_THAT(capture.lines(), ElementsAre("WARN  connection refused port=1"));
  clock.Advance(1ms);
  write(4);
  clock.Advance(10s);
  write(5);
  EXPECT_THAT(capture.lines(), ElementsAre("WARN  connection refused port=1",
                                           "WARN  connection refused port=4 suppressed=2",
                                           "WARN  connection refused port=5"));
}

TEST(Repeated, CountsErrorsAlike) {
  Capture capture;
  base::FakeClock clock;
  Repeated refused(capture.logger(), clock, 1s);
  const base::Error error = base::Error(base::Code::kDenied, "unknown").As(20000);
  for (int i = 0; i < 3; ++i) refused.Failed(Level::kWarn, "link refused", error);
  clock.Advance(1s);
  refused.Failed(Level::kWarn, "link refused", error);
  EXPECT_THAT(capture.lines(),
              ElementsAre("WARN  link refused code=denied event=20000 error=unknown",
                          "WARN  link refused suppressed=2 code=denied event=20000 error=unknown"));
}

TEST(Repeated, DoesNotCountLinesThatWouldNotBeWrittenAnyway) {
  base::FakeClock clock;
  int lines = 0;
  Logger log({.level = Level::kWarn}, clock, [&lines](std::string_view) { ++lines; });
  Repeated chatter(log, clock, 1s);
  chatter.Write(Level::kDebug, "chatter");
  chatter.Write(Level::kWarn, "trouble");
  EXPECT_EQ(lines, 1);
}

}  // namespace
}  // namespace postern::log
