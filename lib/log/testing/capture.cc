#include "lib/log/testing/capture.h"

#include <algorithm>

#include "lib/log/internal/line.h"

namespace postern::log {

Capture::Capture()
    : logger_({.level = Level::kDebug}, clock_, [this](std::string_view line) {
        base::MutexLock lock(mutex_);
        lines_.emplace_back(line.substr(internal::kLevelStart));
      }) {}

std::vector<std::string> Capture::lines() const {
  base::MutexLock lock(mutex_);
  return lines_;
}

std::size_t Capture::Count(std::string_view part) const {
  const std::vector<std::string> all = lines();
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(),
      [part](const std::string& line) { return line.find(part) != std::string::npos; }));
}

}  // namespace postern::log
