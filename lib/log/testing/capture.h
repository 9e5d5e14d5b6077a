// Capture: a Logger whose lines a test reads.
//
//   Capture capture;
//   Door door(loop, capture.logger());
//   EXPECT_THAT(capture.lines(), Contains(HasSubstr("event=20002")));
//
// Every level is kept; lines begin with their level word, the time is left out.
// Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/mutex.h"
#include "lib/base/testing/fake_clock.h"
#include "lib/log/logger.h"

namespace postern::log {

class Capture {
 public:
  Capture();

  Logger& logger() { return logger_; }

  // Lines in the order they were written: "INFO  link established peer=gw1.example".
  std::vector<std::string> lines() const;
  // How many lines hold `part`.
  std::size_t Count(std::string_view part) const;

 private:
  base::FakeClock clock_;
  mutable base::Mutex mutex_;
  std::vector<std::string> lines_ GUARDED_BY(mutex_);
  Logger logger_;
};

}  // namespace postern::log
