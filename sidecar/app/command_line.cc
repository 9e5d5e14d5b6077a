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

// Returns what a word stands for; `words` tells them all. CLI11's own transformers name the values
// of an enumeration as bytes.
template <typename Value>
Value Choose(const std::string& option, const std::string& word,
             const std::map<std::string, Value>& choices, const std::string& words) {
  const auto found = choices.find(word);
  if (found != choices.end()) return found->second;
  throw CLI::ValidationError(option, "'" + word + "' is not " + words);
}

constexpr const char* kLevels = "debug, info, warn or error";
constexpr const char* kFormats = "text or json";

void AddLogging(CLI::App& app, CommandLine& command) {
  const auto take_level = [&command](const std::string& word) {
    command.level = Choose<log::Level>("--log-level", word,
                                       {{"debug", log::Level::kDebug},
                                        {"info", log::Level::kInfo},
                                        {"warn", log::Level::kWarn},
                                        {"error", log::Level::kError}},
                                       kLevels);
  };
  const auto take_format = [&command](const std::string& word) {
    command.format =
        Choose<log::Format>("--log-format", word,
                            {{"text", log::Format::kText}, {"json", log::Format::kJson}}, kFormats);
  };
  app.add_option_function<std::string>("--log-level", take_level, kLevels)->type_name("LEVEL");
  app.add_option_function<std::string>("--log-format", take_format, kFormats)->type_name("FORMAT");
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
  AddLogging(app, command);
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
