#include "sidecar/app/command_line.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

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

// Takes one of some words; `words` tells them. CLI11's own transformers name the values of an
// enumeration as bytes.
template <typename Value>
CLI::Option* AddChoice(CLI::App& app, const std::string& name, std::map<std::string, Value> choices,
                       const std::string& words, Value& into) {
  const auto choose = [name, choices = std::move(choices), words, &into](const std::string& word) {
    const auto found = choices.find(word);
    if (found == choices.end()) {
      throw CLI::ValidationError(name, "'" + word + "' is not " + words);
    }
    into = found->second;
  };
  return app.add_option_function<std::string>(name, choose, words);
}

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
  AddChoice<log::Level>(app, "--log-level",
                        {{"debug", log::Level::kDebug},
                         {"info", log::Level::kInfo},
                         {"warn", log::Level::kWarn},
                         {"error", log::Level::kError}},
                        "debug, info, warn or error", command.level)
      ->type_name("LEVEL");
  AddChoice<log::Format>(app, "--log-format",
                         {{"text", log::Format::kText}, {"json", log::Format::kJson}},
                         "text or json", command.format)
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
