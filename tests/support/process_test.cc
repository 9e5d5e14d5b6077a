#include "tests/support/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>

#include "lib/base/testing/matchers.h"
#include "tests/support/temp_dir.h"

namespace postern::support {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ProcessTest : public testing::Test {
 protected:
  Result<Process> Shell(const std::string& script) {
    return Process::Start("sh", {.arguments = {"-c", script}, .output = folder_.File("output")});
  }

  TempDir folder_;
};

TEST_F(ProcessTest, TellsHowItEnded) {
  POSTERN_ASSERT_OK_AND_ASSIGN(Process process, Shell("exit 78"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Process::Exit exit, process.WaitForExit(seconds(10)));
  EXPECT_EQ(exit, (Process::Exit{.code = 78}));
  EXPECT_FALSE(process.running());
}

TEST_F(ProcessTest, TellsWhichSignalEndedIt) {
  POSTERN_ASSERT_OK_AND_ASSIGN(Process process, Shell("sleep 60"));
  process.Kill();
  POSTERN_ASSERT_OK_AND_ASSIGN(const Process::Exit exit, process.WaitForExit({}));
  EXPECT_EQ(exit, (Process::Exit{.signal = SIGKILL}));
}

TEST_F(ProcessTest, CannotStartWhatIsNotThere) {
  EXPECT_THAT(Process::Start("/nowhere/postern", {}), HasCode(Code::kNotFound));
}

TEST_F(ProcessTest, FindsLinesInOrderOnStdoutAndStderr) {
  POSTERN_ASSERT_OK_AND_ASSIGN(Process process, Shell("echo port 1; echo port 2 >&2; sleep 60"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const std::string first, process.WaitForLine("port", seconds(10)));
  POSTERN_ASSERT_OK_AND_ASSIGN(const std::string second, process.WaitForLine("port", seconds(10)));
  EXPECT_EQ(first, "port 1");
  EXPECT_EQ(second, "port 2");
  EXPECT_THAT(process.WaitForLine("port", milliseconds(20)), HasCode(Code::kTimeout));
}

TEST_F(ProcessTest, QuotesTheOutputOfAProgramThatEndedEarly) {
  POSTERN_ASSERT_OK_AND_ASSIGN(Process process, Shell("echo no such field; exit 78"));
  const Result<std::string> line = process.WaitForLine("ready", seconds(10));
  EXPECT_THAT(line, HasCode(Code::kUnavailable));
  EXPECT_THAT(line, base::FailsWith("no such field"));
}

TEST_F(ProcessTest, AddsToTheEnvironmentAndReplacesInIt) {
  const std::string script = "echo $POSTERN_ADDED $HOME $(env | grep -c ^HOME=) in $PWD";
  POSTERN_ASSERT_OK_AND_ASSIGN(
      Process process,
      Process::Start("sh", {.arguments = {"-c", script},
                            .environment = {{"POSTERN_ADDED", "new"}, {"HOME", "/nowhere"}},
                            .output = folder_.File("output"),
                            .directory = "/"}));
  EXPECT_THAT(process.WaitForLine("new /nowhere 1 in /", seconds(10)), IsOk());
}

TEST_F(ProcessTest, StopsAndContinues) {
  POSTERN_ASSERT_OK_AND_ASSIGN(
      Process process, Shell("trap 'echo heard' USR1; echo ready; while :; do sleep 0.01; done"));
  ASSERT_THAT(process.WaitForLine("ready", seconds(10)), IsOk());
  process.Stop();
  process.Signal(SIGUSR1);
  EXPECT_THAT(process.WaitForLine("heard", milliseconds(100)), HasCode(Code::kTimeout));
  process.Continue();
  EXPECT_THAT(process.WaitForLine("heard", seconds(10)), IsOk());
}

TEST_F(ProcessTest, MeasuresMemoryAndProcessorTime) {
  const std::string script =
      "import time; kept = b'x' * 50_000_000; print('ready', flush=True); time.sleep(60)";
  POSTERN_ASSERT_OK_AND_ASSIGN(
      Process process,
      Process::Start("python3", {.arguments = {"-c", script}, .output = folder_.File("output")}));
  ASSERT_THAT(process.WaitForLine("ready", seconds(20)), IsOk());
  POSTERN_ASSERT_OK_AND_ASSIGN(const Process::Usage usage, process.ReadUsage());
  EXPECT_GT(usage.rss_anon, 50'000'000U);
  EXPECT_LT(usage.rss_anon, 120'000'000U);
  EXPECT_GT(usage.cpu, milliseconds(0));
  EXPECT_LT(usage.cpu, seconds(20));
  process.Kill();
  EXPECT_THAT(process.ReadUsage(), HasCode(Code::kNotFound));
}

TEST_F(ProcessTest, TakesItsChildrenAlong) {
  int grandchild = -1;
  {
    POSTERN_ASSERT_OK_AND_ASSIGN(Process process,
                                 Shell("sh -c 'echo grandchild $$; sleep 60; :' & wait"));
    POSTERN_ASSERT_OK_AND_ASSIGN(const std::string line,
                                 process.WaitForLine("grandchild", seconds(10)));
    grandchild = OpenPidFd(static_cast<pid_t>(std::stoi(line.substr(line.find(' ')))));
  }
  pollfd ended{.fd = grandchild, .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&ended, 1, 10'000), 1);
  close(grandchild);
}

}  // namespace
}  // namespace postern::support
