#include "tests/integration/relay.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "lib/base/check.h"

namespace postern::integration {

using support::Process;

namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

Relay::Relay(std::string folder) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
}

void Relay::Replace(std::string_view name, const std::string& content) const {
  const std::string fresh = File(name) + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  CHECK(file.good(), "a temporary file can be written");
  std::filesystem::rename(fresh, File(name));
}

void Relay::SetIdentity(const pki::Credentials& own) {
  std::string chain;
  for (const pki::Certificate& certificate : own.chain) chain += certificate.ToPem();
  Replace("own.key", own.key->ToPem());
  Replace("own.crt", chain);
}

void Relay::SetRoots(const std::vector<pki::Certificate>& roots) {
  std::string all;
  for (const pki::Certificate& root : roots) all += root.ToPem();
  Replace("roots.crt", all);
}

void Relay::SetConfig(const std::string& yaml) { Replace("relay-config.yaml", yaml); }

void Relay::SetVariable(const std::string& name, const std::string& value) {
  std::erase_if(environment_, [&name](const auto& variable) { return variable.first == name; });
  environment_.emplace_back(name, value);
}

base::Status Relay::Launch(std::vector<std::string> arguments) {
  if (arguments.empty()) arguments = {"--config", File("relay-config.yaml")};
  std::vector<std::string> words = starter_;
  words.emplace_back(POSTERN_RELAY);
  words.insert(words.end(), arguments.begin(), arguments.end());
  SetVariable("POSTERN_KILL_AT", std::exchange(death_, {}));
  // A log of its own: no line of a former life is taken for one of this.
  ++lives_;
  process_.reset();
  ASSIGN_OR_RETURN(
      process_,
      Process::Start(words.front(), {.arguments = {words.begin() + 1, words.end()},
                                     .environment = environment_,
                                     .output = File("life-" + std::to_string(lives_) + ".log")}));
  return {};
}

base::Status Relay::Start() {
  RETURN_IF_ERROR(Launch({}));
  const base::Result<std::string> started = process_->WaitForLine("relay started", kSoon);
  if (!started) return started.error().In("starting " + folder_);
  return {};
}

base::Result<Relay::End> Relay::RunToEnd(std::vector<std::string> arguments) {
  RETURN_IF_ERROR(Launch(std::move(arguments)));
  ASSIGN_OR_RETURN(const Process::Exit exit, process_->WaitForExit(kSoon));
  return End{.exit = exit, .said = Log()};
}

base::Result<Process::Exit> Relay::Terminate() {
  process_->Signal(SIGTERM);
  return process_->WaitForExit(kSoon);
}

std::string Relay::Log() const { return ReadAll(File("life-" + std::to_string(lives_) + ".log")); }

std::uint16_t Relay::Port(std::string_view key) const {
  const std::string wanted = std::string(key) + ": ";
  std::ifstream file(File("relay.yaml"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(wanted)) {
      return static_cast<std::uint16_t>(std::stoi(line.substr(wanted.size())));
    }
  }
  return 0;
}

std::optional<double> Relay::Metric(std::string_view series) const {
  std::istringstream lines(Get("/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() <= series.size() || line[series.size()] != ' ') continue;
    if (line.starts_with(series)) return std::stod(line.substr(series.size() + 1));
  }
  return std::nullopt;
}

}  // namespace postern::integration
