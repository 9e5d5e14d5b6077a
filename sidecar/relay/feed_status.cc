#include "sidecar/relay/feed_status.h"

#include <chrono>
#include <utility>

namespace postern::relay {

namespace {

constexpr base::Duration kTellEvery = std::chrono::minutes(1);

metrics::Labels LabelsOf(const std::string& backend, record::Signal signal) {
  return {{"backend", backend}, {"signal", std::string(record::SignalName(signal))}};
}

}  // namespace

FeedStatus::FeedStatus(log::Logger& log, const base::Clock& clock, metrics::Registry& registry,
                       std::string backend, record::Signal signal, std::uint64_t most_behind)
    : log_(log),
      registry_(registry),
      backend_(std::move(backend)),
      signal_(signal),
      most_behind_(most_behind),
      behind_bytes_(registry.AddGauge(
          "postern_backend_behind_bytes",
          "About how many bytes of the queue's log stand above what a backend is done with.",
          LabelsOf(backend_, signal))),
      is_behind_(registry.AddGauge("postern_backend_is_behind",
                                   "1 where a backend is behind by more than half of what it may.",
                                   LabelsOf(backend_, signal))),
      refuses_(registry.AddGauge("postern_backend_refuses",
                                 "1 where what a backend refused waits to be tried again.",
                                 LabelsOf(backend_, signal))),
      parked_(registry.AddGauge(
          "postern_relay_parked_records",
          "Records that a backend refuses while it takes those behind; tried each minute.",
          LabelsOf(backend_, signal))),
      behind_(log, clock, kTellEvery),
      refused_(log, clock, kTellEvery) {}

FeedStatus::~FeedStatus() {
  for (metrics::Gauge* gauge : {&behind_bytes_, &is_behind_, &refuses_, &parked_}) {
    gauge->Set(0);
    registry_.Remove(*gauge);
  }
}

void FeedStatus::Behind(std::uint64_t bytes) {
  behind_bytes_.Set(static_cast<double>(bytes));
  const bool is_behind = bytes > most_behind_ / 2;
  is_behind_.Set(is_behind ? 1 : 0);
  if (is_behind && !std::exchange(was_behind_, true)) {
    behind_.Write(log::Level::kWarn, "backend is behind",
                  {{"backend", backend_},
                   {"signal", record::SignalName(signal_)},
                   {"bytes", bytes},
                   {"most", most_behind_}});
  }
  was_behind_ = is_behind;
}

void FeedStatus::Refused(const record::Answer& answer) {
  refused_.Write(log::Level::kWarn, "backend refuses: it is tried again",
                 {{"backend", backend_},
                  {"signal", record::SignalName(signal_)},
                  {"code", static_cast<int>(answer.code)},
                  {"why", answer.message}});
}

void FeedStatus::Rejected(const record::Record& record, const record::Answer& answer) {
  log_.Warn("record rejected", {{"backend", backend_},
                                {"signal", record::SignalName(signal_)},
                                {"member", record.origin.member},
                                {"sequence", record.origin.sequence},
                                {"why", answer.message}});
}

}  // namespace postern::relay
