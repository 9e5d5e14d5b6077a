#include "lib/base/kill_point.h"

#ifdef POSTERN_KILLPOINTS

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace postern::base {
namespace {

struct Order {
  std::string name;
  int nth = 0;
};

Order ReadOrder() {
  const char* const variable = std::getenv("POSTERN_KILL_AT");
  if (variable == nullptr) return {};
  const std::string text(variable);
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return {.name = text, .nth = 1};
  return {.name = text.substr(0, colon), .nth = std::atoi(text.c_str() + colon + 1)};
}

}  // namespace

void PassKillPoint(std::string_view name) {
  static const Order order = ReadOrder();
  if (name != order.name) return;
  static std::atomic<int> passed = 0;
  if (++passed != order.nth) return;
  const std::string told = "kill point " + std::string(name) + " reached\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, told.data(), told.size());
  kill(getpid(), SIGKILL);
  while (true) pause();  // until the signal takes this thread too
}

}  // namespace postern::base

#endif
