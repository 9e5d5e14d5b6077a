#include "lib/log/repeated.h"

#include <utility>
#include <vector>

namespace postern::log {

bool Repeated::IsDue() {
  const base::Instant now = clock_.Now();
  if (written_ && now - *written_ < interval_) {
    ++suppressed_;
    return false;
  }
  written_ = now;
  return true;
}

void Repeated::Write(Level level, Message message, Logger::Fields fields) {
  if (!log_.Writes(level) || !IsDue()) return;
  std::vector<Field> all(fields);
  if (suppressed_ > 0) all.push_back({"suppressed", std::exchange(suppressed_, 0)});
  log_.Log(level, message, all);
}

void Repeated::Failed(Level level, Message message, const base::Error& error,
                      Logger::Fields fields) {
  if (!log_.Writes(level) || !IsDue()) return;
  std::vector<Field> all(fields);
  if (suppressed_ > 0) all.push_back({"suppressed", std::exchange(suppressed_, 0)});
  log_.Failed(level, message, error, all);
}

}  // namespace postern::log
