#include "lib/base/backoff.h"

#include <algorithm>

namespace postern::base {

Duration Backoff::Next() {
  const unsigned doublings = std::min(tries_, 30U);
  ++tries_;
  const Duration::rep ceiling = options_.most.count();
  const Duration::rep wanted = options_.first.count() > (ceiling >> doublings)
                                   ? ceiling
                                   : options_.first.count() << doublings;
  return Duration(std::uniform_int_distribution<Duration::rep>(wanted / 2, wanted)(random_));
}

}  // namespace postern::base
