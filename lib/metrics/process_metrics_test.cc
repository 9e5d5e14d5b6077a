#include "lib/metrics/process_metrics.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>

namespace postern::metrics {
namespace {

constexpr KernelUnits kUnits = {.ticks = 100, .page_bytes = 4096, .boot_seconds = 1'000'000};

std::string StatOf(const std::string& name) {
  return "4711 (" + name +
         ") S 1 4711 4711 0 -1 4194560 1000 0 3 0 250 150 0 0 20 0 7 0 9000 123456 512 "
         "18446744073709551615\n";
}

TEST(ParseProcessStat, ReadsTimesAndMemory) {
  const auto process = ParseProcessStat(StatOf("postern-relay"), kUnits);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->cpu_seconds, 4);
  EXPECT_EQ(process->resident_memory_bytes, 512 * 4096);
  EXPECT_EQ(process->start_time_seconds, 1'000'090);
}

TEST(ParseProcessStat, IsNotMisledByTheProgramsName) {
  const auto process = ParseProcessStat(StatOf("a) S 9 9 (b"), kUnits);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->cpu_seconds, 4);
}

TEST(ParseProcessStat, YieldsNothingForATextThatIsCutOrStrange) {
  EXPECT_FALSE(ParseProcessStat("", kUnits));
  EXPECT_FALSE(ParseProcessStat("4711 (postern) S 1 2 3", kUnits));
  EXPECT_FALSE(ParseProcessStat("4711 (postern) S 1 x 3", kUnits));
}

TEST(ParseBootTime, FindsItsLine) {
  EXPECT_EQ(ParseBootTime("cpu  1 2 3\nbtime 1795249627\nprocesses 7\n"), 1'795'249'627);
  EXPECT_FALSE(ParseBootTime("cpu  1 2 3\n"));
  EXPECT_FALSE(ParseBootTime("cpu  1 2 3\nbtime soon\n"));
}

TEST(ReadProcessMetrics, KnowsThisProcess) {
  const auto before = ReadProcessMetrics();
  ASSERT_TRUE(before);
  EXPECT_GT(before->resident_memory_bytes, 100'000);
  EXPECT_GE(before->open_fds, 3);
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(before->start_time_seconds, now + 2);
  EXPECT_GT(before->start_time_seconds, now - 3600);

  std::FILE* const file = std::tmpfile();
  const auto after = ReadProcessMetrics();
  std::fclose(file);
  EXPECT_EQ(after->open_fds, before->open_fds + 1);
}

}  // namespace
}  // namespace postern::metrics
