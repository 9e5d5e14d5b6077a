#include "tests/integration/topology.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "lib/otlp/testing/sample.h"

namespace postern::integration {

using support::Process;

namespace {

// The port that a relay says it really uses; 0 where it says none.
std::uint16_t PortIn(const std::string& state, const std::string& key) {
  std::ifstream file(state + "/relay.yaml");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ": ")) {
      return static_cast<std::uint16_t>(std::stoi(line.substr(key.size() + 2)));
    }
  }
  return 0;
}

base::Result<Process::Exit> Terminate(Process& process) {
  process.Signal(SIGTERM);
  return process.WaitForExit(kSoon);
}

}  // namespace

Topology::Topology(Options options) : options_(std::move(options)) {}

std::string Topology::WriteMember(const std::string& name, const pki::Credentials& credentials) {
  std::string chain;
  for (const pki::Certificate& certificate : credentials.chain) chain += certificate.ToPem();
  std::filesystem::create_directory(folder_.File(name));
  folder_.Write(name + "/own.crt", chain);
  folder_.Write(name + "/own.key", credentials.key->ToPem());
  folder_.Write(name + "/roots.crt", authority_.authority().certificate().ToPem());
  return "name: " + name + "\nhost: " + name +
         ".example\ncertificate: {chain: own.crt, key: own.key, roots: roots.crt}\n";
}

base::Result<Process> Topology::Launch(const std::string& name, const std::string& config) {
  const std::string path = folder_.Write(name + "/relay-config.yaml", config);
  ASSIGN_OR_RETURN(Process process,
                   Process::Start(POSTERN_RELAY, {.arguments = {"--config", path},
                                                  .output = folder_.File(name + ".log")}));
  // A program that cannot start is a caller's subject too: its exit code tells.
  auto started = process.WaitForLine("relay started", kSoon);
  if (!started && process.running()) return started.error();
  return process;
}

base::Status Topology::Start() {
  const std::string server = WriteMember("ms1", authority_.MakeMember("ms1.example"));
  server_config_ = "kind: ManagementServer\n" + server + "port: 0\nmembers: [" + options_.member +
                   "]\nrelay:\n  bind: 127.0.0.1\n  admin: 0\n"
                   "  backends:\n"
                   "  - {name: local, file: {path: delivered}}\n";
  ASSIGN_OR_RETURN(server_, Launch("ms1", server_config_));
  ASSIGN_OR_RETURN(gate_, support::TcpGate::Open(PortIn(folder_.File("ms1"), "link")));
  const std::string gateway =
      WriteMember("gw1", authority_.MakeFlawed("gw1.example", options_.gateway_flaw));
  ASSIGN_OR_RETURN(gateway_,
                   Launch("gw1", "kind: Gateway\ndeadAfter: 1s\n" + gateway +
                                     "parents:\n- {name: ms1, host: ms1.example, addresses: "
                                     "[\"127.0.0.1:" +
                                     std::to_string(gate_->port()) +
                                     "\"]}\nrelay:\n  bind: 127.0.0.1\n  admin: 0\n"
                                     "  queue: {ack: " +
                                     options_.ack + "}\n  otlp: {grpc: 0}\n"));
  otlp_port_ = PortIn(folder_.File("gw1"), "otlpGrpc");
  return {};
}

base::Status Topology::KillAndRestartServer() {
  const std::uint16_t port = PortIn(folder_.File("ms1"), "link");
  server_->Kill();
  std::string config = server_config_;
  config.replace(config.find("port: 0"), 7, "port: " + std::to_string(port));
  ASSIGN_OR_RETURN(server_, Launch("ms1", config));
  return {};
}

base::Result<Process::Exit> Topology::StopGateway() { return Terminate(*gateway_); }
base::Result<Process::Exit> Topology::StopServer() { return Terminate(*server_); }

std::vector<std::string> Topology::Delivered(otlp::Signal signal) const {
  constexpr std::array kFiles = {"logs.jsonl", "metrics.jsonl", "traces.jsonl"};
  std::vector<std::string> ids;
  std::ifstream file(folder_.File("ms1/delivered/") + kFiles[static_cast<std::size_t>(signal)]);
  for (std::string line; std::getline(file, line);) {
    for (std::string& id : otlp::RecordIdsOfJson(signal, line)) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace postern::integration
