// RelayApp: builds a relay from its configuration and runs it until it is asked to stop.
//
//   build: identity → backends → link port → parents → OTLP door → admin port; whole or not at all
//   run:   serves; takes over certificates that change, tells its health
//   stop:  not ready → doors closed, children asked to move → empty, or grace over → links closed
//
// Threads: loop (the one that calls Run); RequestStop from any.
#pragma once

#include <memory>
#include <string>

#include "lib/base/event_loop.h"
#include "lib/base/result.h"
#include "lib/log/logger.h"
#include "sidecar/config/config.h"

namespace postern::app {

class RelayApp {
 public:
  // Opens every file and port that the configuration names; the state folder exists. Fails with
  // what a person has to mend. `loop` and `log` outlive the relay.
  static base::Result<std::unique_ptr<RelayApp>> Make(const config::Config& config,
                                                      const std::string& state_folder,
                                                      base::EventLoop& loop, log::Logger& log);
  ~RelayApp();

  // Serves until RequestStop and all that follows from it. False where records were left that it
  // had accepted: lost, as the log line tells, or kept in the state folder for the next start.
  bool Run();
  // Begins the drain. A second call ends it at once.
  void RequestStop();

 private:
  struct Parts;
  explicit RelayApp(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace postern::app
