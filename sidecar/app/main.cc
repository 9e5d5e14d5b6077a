// postern-relay: carries telemetry from its clients and children to its parent or its backends.
#include <iostream>

#include "lib/base/event_loop.h"
#include "lib/log/logger.h"
#include "sidecar/app/command_line.h"
#include "sidecar/app/relay_app.h"
#include "sidecar/app/signals.h"
#include "sidecar/config/load.h"

namespace postern::app {
namespace {

// sysexits.h: EX_CONFIG and EX_UNAVAILABLE, told in --help.
constexpr int kBadConfiguration = 78;
constexpr int kCannotStart = 69;
constexpr int kLeftUndelivered = 75;

int Main(int argc, char** argv) {
  const CommandLine command = ParseCommandLine(argc, argv);
  if (command.exit) return *command.exit;

  const base::Result<config::Config> config = config::Load(command.config, command.state);
  if (!config) {
    std::cerr << config.error().message() << "\n";
    return kBadConfiguration;
  }
  if (command.check) return 0;

  const base::SystemClock clock;
  log::Logger log({.level = command.level, .format = command.format}, clock);
  base::EventLoop loop(clock);
  Signals signals;  // before any thread, after the loop that it leaves
  auto relay = RelayApp::Make(*config, command.state, loop, log);
  if (!relay) {
    log.Failed(log::Level::kError, "cannot start", relay.error());
    const bool configuration =
        relay.error().event() != 0 || relay.error().code() == base::Code::kInvalid;
    return configuration ? kBadConfiguration : kCannotStart;
  }
  signals.Watch(loop, [&relay] { (*relay)->RequestStop(); });
  return (*relay)->Run() ? 0 : kLeftUndelivered;
}

}  // namespace
}  // namespace postern::app

int main(int argc, char** argv) { return postern::app::Main(argc, argv); }
