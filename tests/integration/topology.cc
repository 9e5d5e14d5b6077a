#include "tests/integration/topology.h"

#include <array>
#include <fstream>
#include <utility>

#include "lib/otlp/testing/sample.h"
#include "tests/integration/sender.h"
#include "tests/support/eventually.h"

namespace postern::integration {
namespace {

std::string Member(const std::string& name) {
  return "name: " + name + "\nhost: " + name +
         ".example\ncertificate: {chain: own.crt, key: own.key, roots: roots.crt}\n";
}

}  // namespace

Topology::Topology(Options options)
    : options_(std::move(options)), server_(folder_.File("ms1")), gateway_(folder_.File("gw1")) {
  server_.SetIdentity(authority_.MakeMember("ms1.example"));
  gateway_.SetIdentity(authority_.MakeMember("gw1.example"));
  for (Relay* relay : {&server_, &gateway_}) {
    relay->SetRoots({authority_.authority().certificate()});
  }
}

std::string Topology::ServerConfig(std::uint16_t port) const {
  return "kind: ManagementServer\n" + Member("ms1") + "port: " + std::to_string(port) +
         "\nmembers: [" + options_.member +
         "]\nrelay:\n  bind: 127.0.0.1\n  admin: 0\n"
         "  backends:\n" +
         options_.backends + options_.server_relay;
}

std::string Topology::GatewayConfig(std::uint16_t otlp_port) const {
  return "kind: Gateway\ndeadAfter: 1s\n" + Member("gw1") +
         "parents:\n- {name: ms1, host: ms1.example, addresses: [\"127.0.0.1:" +
         std::to_string(gate_->port()) +
         "\"]}\nrelay:\n  bind: 127.0.0.1\n  admin: 0\n  otlp: {grpc: " +
         std::to_string(otlp_port) + "}\n  queue: {ack: " + options_.ack + "}\n" +
         options_.gateway_relay;
}

base::Status Topology::StartServer() {
  server_.SetConfig(ServerConfig(0));
  RETURN_IF_ERROR(server_.Start());
  ASSIGN_OR_RETURN(gate_, support::TcpGate::Open(server_.Port("link")));
  gateway_.SetConfig(GatewayConfig(0));
  return {};
}

base::Status Topology::Start() {
  RETURN_IF_ERROR(StartServer());
  return StartGateway();
}

bool Topology::Linked() const {
  return support::Eventually([this] { return gateway_.Ready(); }, kSoon);
}

base::Status Topology::KillAndRestartServer() {
  server_.process().Kill();
  return RestartServer();
}

base::Status Topology::RestartServer() {
  server_.SetConfig(ServerConfig(server_.Port("link")));
  return server_.Start();
}

base::Status Topology::RestartGateway() {
  gateway_.SetConfig(GatewayConfig(otlp_port()));
  return gateway_.Start();
}

base::Status Topology::KillAndRestartGateway() {
  gateway_.process().Kill();
  return RestartGateway();
}

std::string Topology::DeliveredFile(otlp::Signal signal) const {
  constexpr std::array kFiles = {"logs.jsonl", "metrics.jsonl", "traces.jsonl"};
  return server_.File("delivered/") + kFiles[static_cast<std::size_t>(signal)];
}

std::vector<std::string> Topology::Delivered(otlp::Signal signal) const {
  std::vector<std::string> ids;
  std::ifstream file(DeliveredFile(signal));
  for (std::string line; std::getline(file, line);) {
    for (std::string& id : otlp::RecordIdsOfJson(signal, line)) ids.push_back(std::move(id));
  }
  return ids;
}

std::vector<std::string> Topology::AwaitDelivered(const std::vector<std::string>& ids) const {
  std::vector<std::string> delivered;
  (void)support::Eventually(
      [&] {
        delivered = Delivered(otlp::Signal::kLogs);
        return Lost(ids, delivered).empty();
      },
      kSoon);
  return delivered;
}

}  // namespace postern::integration
