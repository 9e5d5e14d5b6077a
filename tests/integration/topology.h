// Topology: a gateway and its management server as real processes, with a TcpGate between them and
// a CA of their own.
//
//   Topology topology({.ack = "Memory"});
//   ASSERT_THAT(topology.Start(), IsOk());
//   topology.gate().Reset();
//   EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/otlp/signal.h"
#include "lib/pki/testing/test_authority.h"
#include "tests/integration/relay.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/temp_dir.h"

namespace postern::integration {

class Topology {
 public:
  struct Options {
    std::string ack = "EndToEnd";
    std::string member = "gw1.example";  // whom the management server lets in
    std::string gateway_relay = {};      // more of its `relay`, whole lines with their indent
    std::string server_relay = {};
    std::string backends = "  - {name: local, file: {path: delivered}}\n";  // the server's
  };

  // Writes the files of both; a test may spoil them before it starts anything.
  explicit Topology(Options options);

  // The server first; both have written their ports afterwards, and the link may still be coming.
  base::Status Start();
  // The halves of Start. Once the server listens, the gateway's configuration leads to it.
  base::Status StartServer();
  base::Status StartGateway() { return gateway_.Start(); }
  // Whether the gateway got its link within kSoon.
  bool Linked() const;

  // The same server again, on the same port, after it ended.
  base::Status RestartServer();
  // kill -9 first.
  base::Status KillAndRestartServer();
  // The gateway again, on the same OTLP port, once the one before has ended.
  base::Status RestartGateway();
  // kill -9 first.
  base::Status KillAndRestartGateway();

  Relay& gateway() { return gateway_; }
  Relay& server() { return server_; }
  support::TcpGate& gate() { return *gate_; }
  const pki::TestAuthority& authority() const { return authority_; }
  std::uint16_t otlp_port() const { return gateway_.Port("otlpGrpc"); }

  // What the file backend wrote.
  std::string DeliveredFile(otlp::Signal signal) const;
  // The ids that the file backend holds, as often as it holds them.
  std::vector<std::string> Delivered(otlp::Signal signal) const;
  // The same of logs, once all of `ids` are among them; what there is where kSoon is not enough.
  std::vector<std::string> AwaitDelivered(const std::vector<std::string>& ids) const;

 private:
  std::string ServerConfig(std::uint16_t port) const;
  std::string GatewayConfig(std::uint16_t otlp_port) const;

  Options options_;
  support::TempDir folder_;
  pki::TestAuthority authority_;
  Relay server_;
  std::unique_ptr<support::TcpGate> gate_;
  Relay gateway_;
};

}  // namespace postern::integration
