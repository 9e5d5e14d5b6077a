// UnaryChannel: one call, one answer over gRPC, as bytes: no generated code, no copy of the
// request.
//
// Connects at the first call and again whenever it must, waiting 100 ms to 5 s between tries. While
// there is no connection, calls fail at once: this is no queue and it repeats nothing. Proxies from
// the environment and service configs from DNS are ignored; nothing is compressed.
//
//   ASSIGN_OR_RETURN(auto channel, UnaryChannel::Open({.endpoint = "https://collector:4317"}));
//   channel->Call("/opentelemetry.proto.collector.logs.v1.LogsService/Export", body, {}, 5s,
//                 [&loop](UnaryResult result) { loop.Post([result] { … }); });
//
// Threads: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/rpc/metadata.h"

namespace postern::rpc {

struct UnaryResult {
  int grpc_code = 0;  // 0 is OK: https://grpc.github.io/grpc/core/md_doc_statuscodes.html
  std::string message = {};
  base::Bytes response = {};  // empty unless OK
  // When the server wants the next try, at most an hour: google.rpc.RetryInfo in the status's
  // details, or else the trailer grpc-retry-pushback-ms.
  std::optional<std::chrono::milliseconds> retry_after = {};
};

class UnaryChannel {
 public:
  struct Options {
    std::string endpoint;     // "http://host:port" or "https://host:port"; an IPv6 host in brackets
    std::string ca_pem = {};  // roots for https; empty: the system's
    std::size_t max_response = std::size_t{4} << 20;  // a longer one is RESOURCE_EXHAUSTED (8)
    std::string user_agent = "postern";
  };
  // Called once for each call, on a thread of gRPC: it posts to the caller's loop, it neither
  // blocks nor destroys the channel.
  using Done = std::function<void(UnaryResult)>;

  // kInvalid: the endpoint has another form, or ca_pem holds no certificate. Whether anybody
  // listens there is found by the calls.
  static base::Result<std::unique_ptr<UnaryChannel>> Open(const Options& options);

  // Cancels the calls under way and waits until each of them was told CANCELLED (1).
  ~UnaryChannel();
  UnaryChannel(const UnaryChannel&) = delete;
  UnaryChannel& operator=(const UnaryChannel&) = delete;

  // Sends `request` to `full_method` ("/package.Service/Method"). Without an answer after `timeout`
  // the result is DEADLINE_EXCEEDED (4), and whether the server acted is unknown.
  //
  // Headers that belong to HTTP/2 or gRPC (":path", "te", "grpc-timeout", …) and those that are not
  // legal there are left out.
  void Call(std::string_view full_method, const base::Bytes& request, const Metadata& headers,
            base::Duration timeout, Done done);

 private:
  struct Shared;
  explicit UnaryChannel(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace postern::rpc
