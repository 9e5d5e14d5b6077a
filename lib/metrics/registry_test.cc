#include "lib/metrics/registry.h"

#include <gmock/gmock.h>

#include <thread>

namespace postern::metrics {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kRecords = "postern_link_records_total";
constexpr const char* kHelp = "Records sent.";

TEST(Registry, ShowsASeriesAtZeroFromTheStart) {
  Registry registry("0.1.0");
  registry.AddCounter(kRecords, kHelp, {{"peer", "ms1"}});
  registry.AddGauge("postern_queue_bytes", "Bytes waiting.");
  EXPECT_THAT(registry.Render(), AllOf(HasSubstr("# HELP postern_link_records_total Records sent.\n"
                                                 "# TYPE postern_link_records_total counter\n"
                                                 "postern_link_records_total{peer=\"ms1\"} 0\n"),
                                       HasSubstr("postern_queue_bytes 0\n")));
}

TEST(Registry, ShowsWhatWasCounted) {
  Registry registry("0.1.0");
  Counter& sent = registry.AddCounter(kRecords, kHelp, {{"peer", "ms1"}});
  sent.Increment();
  sent.Increment(2.5);
  Gauge& bytes = registry.AddGauge("postern_queue_bytes", "Bytes waiting.");
  bytes.Set(7);
  bytes.Add(-9);
  EXPECT_EQ(sent.value(), 3.5);
  EXPECT_THAT(registry.Render(), AllOf(HasSubstr("postern_link_records_total{peer=\"ms1\"} 3.5\n"),
                                       HasSubstr("postern_queue_bytes -2\n")));
}

TEST(Registry, WritesLargeCountsInFull) {
  Registry registry("0.1.0");
  registry.AddCounter(kRecords, kHelp).Increment(9'007'199'254'740'991.0);
  EXPECT_THAT(registry.Render(), HasSubstr("postern_link_records_total 9007199254740991\n"));
}

TEST(Registry, SpreadsValuesOverBuckets) {
  Registry registry("0.1.0");
  Histogram& took =
      registry.AddHistogram("postern_link_delay_seconds", "Delay.", {{"peer", "ms1"}}, {0.5, 1});
  for (const double value : {0.25, 0.5, 0.75, 7.0}) took.Observe(value);
  EXPECT_THAT(registry.Render(),
              HasSubstr("postern_link_delay_seconds_count{peer=\"ms1\"} 4\n"
                        "postern_link_delay_seconds_sum{peer=\"ms1\"} 8.5\n"
                        "postern_link_delay_seconds_bucket{peer=\"ms1\",le=\"0.5\"} 2\n"
                        "postern_link_delay_seconds_bucket{peer=\"ms1\",le=\"1\"} 3\n"
                        "postern_link_delay_seconds_bucket{peer=\"ms1\",le=\"+Inf\"} 4\n"));
}

TEST(Registry, ForgetsASeriesAndKeepsItsFamily) {
  Registry registry("0.1.0");
  Counter& gone = registry.AddCounter(kRecords, kHelp, {{"peer", "ms1"}});
  registry.AddCounter(kRecords, kHelp, {{"peer", "ms2"}}).Increment();
  gone.Increment(9);
  registry.Remove(gone);
  EXPECT_THAT(registry.Render(), AllOf(Not(HasSubstr("ms1")), HasSubstr("{peer=\"ms2\"} 1\n")));
  EXPECT_EQ(registry.AddCounter(kRecords, kHelp, {{"peer", "ms1"}}).value(), 0);
}

TEST(Registry, LeavesOutAFamilyWithoutSeriesButNamesIt) {
  Registry registry("0.1.0");
  registry.DeclareCounter(kRecords, kHelp);
  Gauge& open = registry.AddGauge("postern_lane_open_streams", "Streams.");
  registry.Remove(open);
  EXPECT_THAT(registry.Render(), AllOf(Not(HasSubstr(kRecords)), Not(HasSubstr("postern_lane"))));
  EXPECT_THAT(registry.Names(), AllOf(Contains(kRecords), Contains("postern_lane_open_streams")));
}

TEST(Registry, KeepsASeriesUntilItsLastUserIsGone) {
  Registry registry("0.1.0");
  Counter& old_link = registry.AddCounter(kRecords, kHelp, {{"peer", "ms1"}});
  Counter& new_link = registry.AddCounter(kRecords, kHelp, {{"peer", "ms1"}});
  EXPECT_EQ(&old_link, &new_link);
  registry.Remove(old_link);
  new_link.Increment();
  EXPECT_THAT(registry.Render(), HasSubstr("{peer=\"ms1\"} 1\n"));
  registry.Remove(new_link);
  EXPECT_THAT(registry.Render(), Not(HasSubstr("ms1")));
}

TEST(Registry, NamesEveryFamilyInOrder) {
  Registry registry("0.1.0");
  registry.AddCounter(kRecords, kHelp);
  registry.AddHistogram("postern_a_seconds", "A.", {}, {1});
  EXPECT_THAT(registry.Names(),
              ElementsAre("postern_a_seconds", "postern_build_info", kRecords,
                          "process_cpu_seconds_total", "process_open_fds",
                          "process_resident_memory_bytes", "process_start_time_seconds"));
}

TEST(Registry, ShowsProcessAndBuild) {
  const std::string page = Registry("0.1.0").Render();
  EXPECT_THAT(page, HasSubstr("postern_build_info{version=\"0.1.0\"} 1\n"));
  EXPECT_THAT(page,
              HasSubstr("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "));
  EXPECT_THAT(page, HasSubstr("\nprocess_open_fds "));
  EXPECT_THAT(page, HasSubstr("\nprocess_resident_memory_bytes "));
  EXPECT_THAT(page, HasSubstr("\nprocess_start_time_seconds "));
}

TEST(Registry, WritesFamiliesAndSeriesInOrder) {
  Registry registry("0.1.0");
  registry.AddGauge("postern_queue_bytes", "Bytes waiting.");
  for (const char* peer : {"c", "a", "b"}) registry.AddCounter(kRecords, kHelp, {{"peer", peer}});
  EXPECT_THAT(registry.Render(), HasSubstr("postern_link_records_total{peer=\"a\"} 0\n"
                                           "postern_link_records_total{peer=\"b\"} 0\n"
                                           "postern_link_records_total{peer=\"c\"} 0\n"
                                           "# HELP postern_queue_bytes Bytes waiting.\n"));
}

TEST(Registry, WritesTheSamePageWhateverTheOrderOfAdding) {
  Registry one("0.1.0");
  Registry other("0.1.0");
  for (const char* peer : {"a", "b", "c"}) one.AddCounter(kRecords, kHelp, {{"peer", peer}});
  for (const char* peer : {"c", "a", "b"}) other.AddCounter(kRecords, kHelp, {{"peer", peer}});
  const auto series = [](const std::string& page) { return page.substr(0, page.find("process_")); };
  EXPECT_EQ(series(one.Render()), series(other.Render()));
}

TEST(Registry, LetsNoLabelValueSpoilThePage) {
  Registry registry("0.1.0");
  registry.AddCounter(kRecords, kHelp, {{"peer", "a\"b\\c\nd\xFF"}});
  EXPECT_THAT(registry.Render(), HasSubstr("{peer=\"a\\\"b\\\\c?d?\"} 0\n"));
}

TEST(Registry, CountsFromManyThreadsWhileSeriesComeAndGo) {
  Registry registry("0.1.0");
  Counter& sent = registry.AddCounter(kRecords, kHelp, {{"peer", "ms1"}});
  {
    std::jthread counts([&sent] {
      for (int i = 0; i < 20000; ++i) sent.Increment();
    });
    std::jthread also_counts([&sent] {
      for (int i = 0; i < 20000; ++i) sent.Increment();
    });
    std::jthread comes_and_goes([&registry] {
      for (int i = 0; i < 200; ++i) {
        registry.Remove(registry.AddCounter(kRecords, kHelp, {{"peer", std::to_string(i)}}));
      }
    });
    for (int i = 0; i < 20; ++i) EXPECT_THAT(registry.Render(), HasSubstr("{peer=\"ms1\"}"));
  }
  EXPECT_EQ(sent.value(), 40000);
}

TEST(RegistryDeathTest, StopsAtADeclarationThatContradicts) {
  Registry registry("0.1.0");
  registry.AddCounter(kRecords, kHelp);
  registry.AddHistogram("postern_a_seconds", "A.", {}, {1, 2});
  EXPECT_DEATH(registry.AddCounter(kRecords, "Other words."), "declared twice");
  EXPECT_DEATH(registry.AddGauge(kRecords, kHelp), "one kind of metric");
  EXPECT_DEATH(registry.AddHistogram("postern_a_seconds", "A.", {}, {1, 3}), "declared twice");
  EXPECT_DEATH(registry.AddHistogram("postern_b_seconds", "B.", {}, {2, 1}), "buckets rise");
  EXPECT_DEATH(registry.AddGauge("postern_build_info", "x"), "one kind of metric");
}

TEST(RegistryDeathTest, StopsAtANameOutOfForm) {
  Registry registry("0.1.0");
  for (const char* name :
       {"", "postern_", "records_total", "postern_Records", "postern_a-b", "process_open_fds"}) {
    EXPECT_DEATH(registry.AddGauge(name, kHelp), "name matches") << name;
  }
  for (const char* label : {"", "Peer", "le", "__name__", "a-b"}) {
    EXPECT_DEATH(registry.AddCounter(kRecords, kHelp, {{label, "x"}}), "label's name") << label;
  }
  Counter& sent = registry.AddCounter(kRecords, kHelp);
  EXPECT_DEATH(sent.Increment(-1), "only rises");
  EXPECT_DEATH(Registry("0.1.0").Remove(sent), "of this registry");
}

}  // namespace
}  // namespace postern::metrics
