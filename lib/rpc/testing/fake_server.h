// FakeServer: a gRPC server on this machine that answers what a test says, for any method.
//
//   FakeServer server;
//   server.AnswerWith({.code = 8, .message = "slow down", .retry_after = 250ms});
//   Deliver(server.endpoint(), body);
//   EXPECT_EQ(server.requests()[0].body.view(), body);
//
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/rpc/metadata.h"

namespace postern::rpc {

class FakeServer {
 public:
  struct Options {
    std::uint16_t port = 0;  // 0: any free one
    // PEM; with both the server speaks TLS only.
    std::string chain_pem = {};
    std::string key_pem = {};
  };
  struct Request {
    std::string path;   // "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    std::string peer;   // who sent it: "ipv4:127.0.0.1:40123", another one for each connection
    Metadata metadata;  // as received, without order; "-bin" values decoded
    base::Bytes body;
  };
  struct Reply {
    int code = 0;  // gRPC's
    std::string message = {};
    std::string body = {};  // with code 0
    std::optional<std::chrono::milliseconds> retry_after =
        {};  // as RetryInfo in the status's details
    Metadata trailers = {};
    base::Duration delay{0};
    bool never = false;  // no answer until the client or the server gives up
  };

  // Answers every call with OK and an empty body. Aborts where the port cannot be had.
  FakeServer() : FakeServer(Options{}) {}
  explicit FakeServer(const Options& options);
  // Ends the calls that wait, and their connections.
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // "http://127.0.0.1:<port>", or "https://localhost:<port>" with TLS.
  std::string endpoint() const;
  std::uint16_t port() const;

  // From now on; `choose` runs on threads of gRPC, one call at a time.
  void AnswerWith(Reply reply);
  void AnswerBy(std::function<Reply(const Request&)> choose);

  // What came so far, in order.
  std::vector<Request> requests() const;
  // Waits until `count` requests came; false after `most`.
  bool WaitForRequests(std::size_t count, base::Duration most = std::chrono::seconds(10)) const;

 private:
  class Service;
  struct Running;
  std::unique_ptr<Running> running_;
};

// Returns the google.rpc.Status that holds this RetryInfo, protobuf: a trailer's
// grpc-status-details-bin before base64.
std::string StatusWithRetryInfo(int code, std::chrono::milliseconds delay);

}  // namespace postern::rpc
