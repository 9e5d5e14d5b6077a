#include "lib/log/logger.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "lib/base/testing/fake_clock.h"
#include "lib/log/testing/capture.h"

namespace postern::log {
namespace {

using ::testing::ElementsAre;

TEST(Logger, WritesMessageThenKeysInOrder) {
  Capture capture;
  capture.logger().Info("child linked",
                        {{"child", "gw1.example"}, {"port", 5723}, {"fresh", true}});
  EXPECT_THAT(capture.lines(),
              ElementsAre("INFO  child linked child=gw1.example port=5723 fresh=true"));
}

TEST(Logger, LeavesOutWhatIsBelowItsLevel) {
  const base::FakeClock clock;
  std::vector<std::string> lines;
  Logger log({.level = Level::kWarn}, clock,
             [&](std::string_view line) { lines.emplace_back(line); });
  log.Info("hidden");
  log.Warn("shown");
  EXPECT_THAT(lines, ElementsAre("2027-01-15T08:00:00.000Z WARN  shown"));
}

TEST(Logger, WritesJson) {
  const base::FakeClock clock;
  std::vector<std::string> lines;
  Logger log({.format = Format::kJson}, clock,
             [&](std::string_view line) { lines.emplace_back(line); });
  log.Error("disk full", {{"path", "a\nb"}});
  EXPECT_THAT(lines, ElementsAre(R"({"time":"2027-01-15T08:00:00.000Z","level":"error",)"
                                 R"("message":"disk full","path":"a\nb"})"));
}

TEST(Logger, TellsAnErrorByEventCodeAndMessage) {
  Capture capture;
  const base::Error error = base::Error(base::Code::kDenied, "no such member").As(20000);
  capture.logger().Failed(Level::kWarn, "child refused", error, {{"address", "192.0.2.1"}});
  EXPECT_THAT(capture.lines(), ElementsAre("WARN  child refused address=192.0.2.1 code=denied "
                                           "event=20000 error=\"no such member\""));
}

}  // namespace
}  // namespace postern::log
