// Client: an OTLP/gRPC client that waits for each answer.
//
//   Client client(topology.otlp_port());
//   EXPECT_EQ(client.Export(Signal::kLogs, MakeExport(Signal::kLogs, {.seed = 7})), 0);
//
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lib/otlp/signal.h"
#include "lib/rpc/unary_channel.h"

namespace postern::integration {

class Client {
 public:
  explicit Client(std::uint16_t port);

  // Sends once and returns gRPC's code; 0 is OK.
  int Export(otlp::Signal signal, const std::string& body);

 private:
  std::unique_ptr<rpc::UnaryChannel> channel_;
};

}  // namespace postern::integration
