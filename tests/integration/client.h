// Client: an OTLP/gRPC client that waits for each answer.
//
//   Client client(topology.otlp_port());
//   EXPECT_EQ(client.Export(Signal::kLogs, MakeExport(Signal::kLogs, {.seed = 7})).grpc_code, 0);
//
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lib/otlp/signal.h"
#include "lib/rpc/unary_channel.h"

namespace postern::integration {

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
enum GrpcCode : std::uint8_t {
  kGrpcOk = 0,
  kGrpcDeadlineExceeded = 4,
  kGrpcResourceExhausted = 8,
  kGrpcAborted = 10,
  kGrpcUnavailable = 14,
};

class Client {
 public:
  explicit Client(std::uint16_t port);

  // Sends once and returns what came back; gRPC's DEADLINE_EXCEEDED where nothing did.
  rpc::UnaryResult Export(otlp::Signal signal, const std::string& body,
                          base::Duration timeout = std::chrono::seconds(10));

  // Sends until it is taken, as OTLP clients do: what may be sent again is, after the wait that the
  // relay asked for, else ever slower. Returns the last answer: OK, what must not be sent again,
  // or whatever came when kSoon was over.
  rpc::UnaryResult ExportAtLast(otlp::Signal signal, const std::string& body);

 private:
  std::unique_ptr<rpc::UnaryChannel> channel_;
};

}  // namespace postern::integration
