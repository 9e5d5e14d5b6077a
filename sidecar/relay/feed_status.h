// FeedStatus: what people are told of one backend and signal: how far behind it is, whether it
// refuses, how many records are parked. Every series is there at zero from the start.
//
//   postern_backend_behind_bytes{backend,signal}
//   postern_backend_is_behind{backend,signal}      1: by more than half of what it may be
//   postern_backend_refuses{backend,signal}        1: what it refused is tried again
//   postern_relay_parked_records{backend,signal}
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <string>

#include "lib/log/logger.h"
#include "lib/log/repeated.h"
#include "lib/metrics/registry.h"
#include "sidecar/record/answer.h"
#include "sidecar/record/record.h"

namespace postern::relay {

class FeedStatus {
 public:
  // `most_behind`: bytes of the log. What it is given outlives it.
  FeedStatus(log::Logger& log, const base::Clock& clock, metrics::Registry& registry,
             std::string backend, record::Signal signal, std::uint64_t most_behind);
  ~FeedStatus();
  FeedStatus(const FeedStatus&) = delete;
  FeedStatus& operator=(const FeedStatus&) = delete;

  void Behind(std::uint64_t bytes);
  void Refused(const record::Answer& answer);
  // Whether anything that was refused waits for another try.
  void Refuses(bool refuses) { refuses_.Set(refuses ? 1 : 0); }
  void Parked(std::size_t records) { parked_.Set(static_cast<double>(records)); }
  // A record leaves for a fault of its body.
  void Rejected(const record::Record& record, const record::Answer& answer);

 private:
  log::Logger& log_;
  metrics::Registry& registry_;
  const std::string backend_;
  const record::Signal signal_;
  const std::uint64_t most_behind_;
  metrics::Gauge& behind_bytes_;
  metrics::Gauge& is_behind_;
  metrics::Gauge& refuses_;
  metrics::Gauge& parked_;
  bool was_behind_ = false;
  log::Repeated behind_;
  log::Repeated refused_;
};

}  // namespace postern::relay
