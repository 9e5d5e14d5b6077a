// Repeated: one kind of line that a peer or a fault can cause again and again, bounded in rate.
//
//   Repeated refused_(log, loop.clock(), 10s);
//   refused_.Write(Level::kWarn, "connection refused", {{"address", address}});
//
// The first line is written at once. Those that follow within the interval are only counted; the
// next one after it is written with suppressed=N. Trouble that ends within an interval leaves its
// count untold: a counter in lib/metrics tells exact numbers, a log tells what kind.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/base/clock.h"
#include "lib/log/logger.h"

namespace postern::log {

class Repeated {
 public:
  // `log` and `clock` outlive it. One object for each kind of line: different messages would
  // suppress each other.
  Repeated(Logger& log, const base::Clock& clock, base::Duration interval)
      : log_(log), clock_(clock), interval_(interval) {}

  void Write(Level level, Message message, Logger::Fields fields = {});
  // The same for a line about an error (Logger::Failed).
  void Failed(Level level, Message message, const base::Error& error, Logger::Fields fields = {});

 private:
  // Whether a line may be written now; counts it as suppressed where not.
  bool IsDue();

  Logger& log_;
  const base::Clock& clock_;
  const base::Duration interval_;
  std::optional<base::Instant> written_;
  std::uint64_t suppressed_ = 0;
};

}  // namespace postern::log
