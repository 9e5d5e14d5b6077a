#include "lib/metrics/registry.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/metrics/process_metrics.h"

namespace postern::metrics {
namespace {

constexpr const char* kBuildInfo = "postern_build_info";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";

// One name, and its series by label set. `Series` is ours, `Backing` the library's.
template <typename Series, typename Backing>
struct Family {
  struct Entry {
    std::unique_ptr<Series> series;
    Backing* backing = nullptr;
    int uses = 0;
  };

  Family(const std::string& name, std::string help_text, std::vector<double> bounds)
      : help(std::move(help_text)), buckets(std::move(bounds)), backing(name, help, {}) {}

  const std::string help;
  const std::vector<double> buckets;
  prometheus::Family<Backing> backing;
  std::map<Labels, Entry> entries;
};

template <typename Series, typename Backing>
using FamilyMap = std::map<std::string, Family<Series, Backing>>;

using Counters = FamilyMap<Counter, prometheus::Counter>;
using Gauges = FamilyMap<Gauge, prometheus::Gauge>;
using Histograms = FamilyMap<Histogram, prometheus::Histogram>;

void CheckName(const std::string& name) {
  CHECK(name.starts_with("postern_") && name.size() > 8 &&
            name.find_first_not_of(kNameCharacters) == std::string::npos,
        "a metric's name matches postern_[a-z0-9_]+");
}

// Returns the labels as they are shown.
Labels Shown(Labels labels) {
  for (auto& [name, value] : labels) {
    CHECK(!name.empty() && name[0] >= 'a' && name[0] <= 'z' && name != "le" &&
              name.find_first_not_of(kNameCharacters) == std::string::npos,
          "a label's name matches [a-z][a-z0-9_]* and is not le");
    std::replace_if(
        value.begin(), value.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  }
  return labels;
}

template <typename Map>
auto& Declare(Map& families, const std::string& name, const std::string& help,
              const std::vector<double>& buckets = {}) {
  const auto [place, is_new] = families.try_emplace(name, name, help, buckets);
  CHECK(place->second.help == help && place->second.buckets == buckets,
        "a family is declared twice only with the same help text and buckets");
  return place->second;
}

template <typename FamilyType, typename... Arguments>
auto& AddSeries(FamilyType& family, const Labels& given, const Arguments&... arguments) {
  Labels labels = Shown(given);
  auto& entry = family.entries[labels];
  if (entry.uses++ == 0) {
    entry.backing = &family.backing.Add(labels, arguments...);
    using Series = typename std::decay_t<decltype(entry.series)>::element_type;
    entry.series = std::make_unique<Series>(*entry.backing);
  }
  return *entry.series;
}

// Drops the entry of `series`; whether there was one in these families.
template <typename Map, typename Series>
bool RemoveSeries(Map& families, const Series& series) {
  for (auto& [name, family] : families) {
    for (auto place = family.entries.begin(); place != family.entries.end(); ++place) {
      if (place->second.series.get() != &series) continue;
      if (--place->second.uses == 0) {
        family.backing.Remove(place->second.backing);
        family.entries.erase(place);
      }
      return true;
    }
  }
  return false;
}

template <typename Map>
void Collect(const Map& families, std::vector<prometheus::MetricFamily>& page) {
  for (const auto& [name, family] : families) {
    for (prometheus::MetricFamily& collected : family.backing.Collect()) {
      if (!collected.metric.empty()) page.push_back(std::move(collected));
    }
  }
}

prometheus::MetricFamily Single(const std::string& name, const std::string& help,
                                prometheus::MetricType type, double value) {
  prometheus::ClientMetric metric;
  metric.gauge.value = value;
  metric.counter.value = value;
  return {name, help, type, {metric}};
}

void CollectProcess(std::vector<prometheus::MetricFamily>& page) {
  const std::optional<ProcessMetrics> process = ReadProcessMetrics();
  if (!process) return;
  constexpr auto kGauge = prometheus::MetricType::Gauge;
  page.push_back(Single("process_cpu_seconds_total", "CPU time spent, user and system, in seconds.",
                        prometheus::MetricType::Counter, process->cpu_seconds));
  page.push_back(Single("process_open_fds", "Open file descriptors.", kGauge, process->open_fds));
  page.push_back(Single("process_resident_memory_bytes", "Resident memory in bytes.", kGauge,
                        process->resident_memory_bytes));
  page.push_back(Single("process_start_time_seconds", "Start, in seconds since the Unix epoch.",
                        kGauge, process->start_time_seconds));
}

prometheus::MetricFamily BuildInfo(const std::string& version) {
  auto family =
      Single(kBuildInfo, "Which build this is; always 1.", prometheus::MetricType::Gauge, 1);
  family.metric[0].label = {{"version", version}};
  return family;
}

// The library keeps series in a hash map: a page that can be compared has an order.
void Sort(std::vector<prometheus::MetricFamily>& page) {
  std::sort(page.begin(), page.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (prometheus::MetricFamily& family : page) {
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
  }
}

}  // namespace

struct Registry::Families {
  Counters counters;
  Gauges gauges;
  Histograms histograms;

  // Called before a family of one kind is declared: the name must not stand for two kinds at once.
  void CheckFree(const std::string& name, const void* own) const {
    CheckName(name);
    CHECK(name != kBuildInfo && (own == &counters || !counters.contains(name)) &&
              (own == &gauges || !gauges.contains(name)) &&
              (own == &histograms || !histograms.contains(name)),
          "a name stands for one kind of metric");
  }
};

Registry::Registry(std::string version)
    : version_(std::move(version)), families_(std::make_unique<Families>()) {}

Registry::~Registry() = default;

Counter& Registry::AddCounter(const std::string& name, const std::string& help,
                              const Labels& labels) {
  base::MutexLock lock(mutex_);
  families_->CheckFree(name, &families_->counters);
  return AddSeries(Declare(families_->counters, name, help), labels);
}

Gauge& Registry::AddGauge(const std::string& name, const std::string& help, const Labels& labels) {
  base::MutexLock lock(mutex_);
  families_->CheckFree(name, &families_->gauges);
  return AddSeries(Declare(families_->gauges, name, help), labels);
}

Histogram& Registry::AddHistogram(const std::string& name, const std::string& help,
                                  const Labels& labels, const std::vector<double>& buckets) {
  CHECK(std::is_sorted(buckets.begin(), buckets.end(), std::less_equal<>()),
        "buckets rise from one to the next");
  base::MutexLock lock(mutex_);
  families_->CheckFree(name, &families_->histograms);
  return AddSeries(Declare(families_->histograms, name, help, buckets), labels, buckets);
}

void Registry::DeclareCounter(const std::string& name, const std::string& help) {
  base::MutexLock lock(mutex_);
  families_->CheckFree(name, &families_->counters);
  Declare(families_->counters, name, help);
}

void Registry::DeclareGauge(const std::string& name, const std::string& help) {
  base::MutexLock lock(mutex_);
  families_->CheckFree(name, &families_->gauges);
  Declare(families_->gauges, name, help);
}

void Registry::Remove(Counter& series) {
  base::MutexLock lock(mutex_);
  CHECK(RemoveSeries(families_->counters, series), "only a series of this registry is removed");
}

void Registry::Remove(Gauge& series) {
  base::MutexLock lock(mutex_);
  CHECK(RemoveSeries(families_->gauges, series), "only a series of this registry is removed");
}

void Registry::Remove(Histogram& series) {
  base::MutexLock lock(mutex_);
  CHECK(RemoveSeries(families_->histograms, series), "only a series of this registry is removed");
}

std::string Registry::Render() const {
  std::vector<prometheus::MetricFamily> page;
  {
    base::MutexLock lock(mutex_);
    Collect(families_->counters, page);
    Collect(families_->gauges, page);
    Collect(families_->histograms, page);
  }
  CollectProcess(page);
  page.push_back(BuildInfo(version_));
  Sort(page);
  return prometheus::TextSerializer().Serialize(page);
}

std::vector<std::string> Registry::Names() const {
  std::vector<std::string> names = {kBuildInfo, "process_cpu_seconds_total", "process_open_fds",
                                    "process_resident_memory_bytes", "process_start_time_seconds"};
  const auto add = [&names](const auto& families) {
    for (const auto& [name, family] : families) names.push_back(name);
  };
  {
    base::MutexLock lock(mutex_);
    add(families_->counters);
    add(families_->gauges);
    add(families_->histograms);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace postern::metrics
