#include "tests/chaos/faketime.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace postern::chaos {

const char* FindFaketime() {
  static constexpr std::array kPaths = {
      "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
      "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
  };
  const auto* const found =
      std::ranges::find_if(kPaths, [](const char* path) { return access(path, R_OK) == 0; });
  return found == kPaths.end() ? nullptr : *found;
}

}  // namespace postern::chaos
