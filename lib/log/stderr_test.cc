// What comes to stand on stderr, and that lines of several threads stay whole.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/testing/fake_clock.h"
#include "lib/log/logger.h"
#include "lib/log/testing/capture.h"

namespace postern::log {
namespace {

// Runs `write` with stderr in a file and returns what came to stand there.
template <typename Write>
std::string StderrOf(Write write) {
  std::FILE* const file = std::tmpfile();
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file), STDERR_FILENO);
  write();
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  std::string text(4096, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

TEST(LoggerToStderr, WritesLinesWithoutColourWhereThatIsNoTerminal) {
  const base::FakeClock clock;
  EXPECT_EQ(StderrOf([&clock] {
              Logger({}, clock).Warn("queue full", {{"bytes", 7}});
            }),
            "2027-01-15T08:00:00.000Z WARN  queue full bytes=7\n");
  EXPECT_EQ(StderrOf([&clock] { Logger({.format = Format::kJson}, clock).Warn("queue full"); }),
            R"({"time":"2027-01-15T08:00:00.000Z","level":"warn","message":"queue full"})"
            "\n");
}

TEST(Logger, WritesWholeLinesFromManyThreads) {
  Capture capture;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&capture, thread] {
        for (int i = 0; i < 250; ++i) capture.logger().Info("tick", {{"thread", thread}});
      });
    }
  }
  EXPECT_EQ(capture.lines().size(), 1000U);
  EXPECT_EQ(capture.Count("INFO  tick thread=3"), 250U);
}

}  // namespace
}  // namespace postern::log
