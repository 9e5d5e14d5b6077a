#include "lib/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace postern::base {

void CheckFailed(const char* condition, const char* why, std::source_location where) {
  std::fprintf(stderr, "%s:%u: %s: CHECK failed: %s (expected: %s)\n", where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name(), condition, why);
  std::abort();
}

}  // namespace postern::base
