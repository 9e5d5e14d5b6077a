// Topology: a gateway and its management server as real processes, with a TcpGate between them and
// a CA of their own.
//
//   Topology topology({.ack = "Memory"});
//   ASSERT_THAT(topology.Start(), IsOk());
//   topology.gate().Reset();
//   EXPECT_EQ(topology.StopGateway(), (Process::Exit{}));
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/otlp/signal.h"
#include "lib/pki/testing/test_authority.h"
#include "tests/support/process.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/temp_dir.h"

namespace postern::integration {

// For what a busy machine may take its time with.
inline constexpr base::Duration kSoon = std::chrono::seconds(15);

class Topology {
 public:
  struct Options {
    std::string ack = "EndToEnd";
    std::string member = "gw1.example";  // whom the management server lets in
    pki::Flaw gateway_flaw = pki::Flaw::kNone;
  };

  explicit Topology(Options options);

  // The server first; both have written their ports afterwards, and the link may still be coming.
  base::Status Start();
  // SIGTERM, and how the program ended.
  base::Result<support::Process::Exit> StopGateway();
  base::Result<support::Process::Exit> StopServer();

  // kill -9, then the same server again on the same port.
  base::Status KillAndRestartServer();

  support::Process& gateway() { return *gateway_; }
  support::TcpGate& gate() { return *gate_; }
  std::uint16_t otlp_port() const { return otlp_port_; }

  // The ids that the file backend holds, as often as it holds them.
  std::vector<std::string> Delivered(otlp::Signal signal) const;

 private:
  std::string WriteMember(const std::string& name, const pki::Credentials& credentials);
  base::Result<support::Process> Launch(const std::string& name, const std::string& config);

  Options options_;
  support::TempDir folder_;
  pki::TestAuthority authority_;
  std::string server_config_;
  std::optional<support::Process> server_;
  std::unique_ptr<support::TcpGate> gate_;
  std::optional<support::Process> gateway_;
  std::uint16_t otlp_port_ = 0;
};

}  // namespace postern::integration
