#include "sidecar/app/command_line.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>

namespace postern::app {
namespace {

constexpr const char* kFooter = R"(
Examples:
  postern-relay --config gateway.yaml --state /var/lib/postern
  postern-relay --config gateway.yaml --check

Signals:    SIGTERM or SIGINT drains and stops; a second one stops at once.
Files:      STATE/relay.yaml tells the ports really in use, once the relay listens.
Exit codes: 0 stopped clean   64 wrong option   69 cannot start (port taken, …)
            75 stopped with records undelivered   78 bad configuration or certificate)";

}  // namespace

CommandLine ParseCommandLine(int argc, char** argv) {
  constexpr int kWrongOption = 64;  // sysexits.h: EX_USAGE
  CommandLine command;
  CLI::App app(
      "Carries telemetry across a trust boundary: from clients and children to a parent or "
      "to backends.",
      "postern-relay");
  app.footer(kFooter);
  app.set_version_flag("--version", POSTERN_VERSION);
  app.add_option("--config", command.config, "the relay's configuration, YAML")
      ->required()
      ->type_name("FILE");
  app.add_option("--state", command.state,
                 "folder for what the relay writes; relative paths of the configuration are below "
                 "it (default: the configuration's folder)")
      ->type_name("DIR");
  app.add_flag("--check", command.check, "check the configuration and exit");
  app.add_option("--log-level", command.level, "debug, info, warn or error")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, log::Level>{{"debug", log::Level::kDebug},
                                                                    {"info", log::Level::kInfo},
                                                                    {"warn", log::Level::kWarn},
                                                                    {"error", log::Level::kError}})
              .description(""))
      ->type_name("LEVEL");
  app.add_option("--log-format", command.format, "text or json")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, log::Format>{{"text", log::Format::kText},
                                                                     {"json", log::Format::kJson}})
              .description(""))
      ->type_name("FORMAT");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    command.exit = app.exit(error) == 0 ? 0 : kWrongOption;
    return command;
  }
  if (command.state.empty()) {
    const std::filesystem::path folder = std::filesystem::path(command.config).parent_path();
    command.state = folder.empty() ? "." : folder.string();
  }
  return command;
}

}  // namespace postern::app
