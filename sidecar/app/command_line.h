// The command line of postern-relay.
//
// Threads: immutable.
#pragma once

#include <optional>
#include <string>

#include "lib/log/logger.h"

namespace postern::app {

struct CommandLine {
  std::string config;
  std::string state;
  bool check = false;  // only tell whether the configuration is good
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kText;
  std::optional<int> exit;  // --help, --version or a wrong option: end with this code
};

// Prints help, version or what is wrong itself.
CommandLine ParseCommandLine(int argc, char** argv);

}  // namespace postern::app
