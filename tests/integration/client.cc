#include "tests/integration/client.h"

#include <algorithm>
#include <array>
#include <future>
#include <thread>

#include "lib/base/backoff.h"
#include "lib/base/check.h"
#include "tests/integration/relay.h"

namespace postern::integration {
namespace {

// https://opentelemetry.io/docs/specs/otlp/#failures
bool MayBeSentAgain(const rpc::UnaryResult& result) {
  switch (result.grpc_code) {
    case kGrpcDeadlineExceeded:
    case kGrpcAborted:
    case kGrpcUnavailable: return true;
    case kGrpcResourceExhausted: return result.retry_after.has_value();
    default: return false;
  }
}

}  // namespace

Client::Client(std::uint16_t port) {
  auto channel = rpc::UnaryChannel::Open({.endpoint = "http://127.0.0.1:" + std::to_string(port)});
  CHECK(channel, "an endpoint on this machine is well formed");
  channel_ = *std::move(channel);
}

rpc::UnaryResult Client::Export(otlp::Signal signal, const std::string& body,
                                base::Duration timeout) {
  constexpr std::array kMethods = {
      "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
      "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
      "/opentelemetry.proto.collector.trace.v1.TraceService/Export"};
  auto answer = std::make_shared<std::promise<rpc::UnaryResult>>();
  std::future<rpc::UnaryResult> result = answer->get_future();
  channel_->Call(kMethods[static_cast<std::size_t>(signal)], base::Bytes::Copy(body), {}, timeout,
                 [answer](rpc::UnaryResult came) { answer->set_value(std::move(came)); });
  return result.get();
}

rpc::UnaryResult Client::ExportAtLast(otlp::Signal signal, const std::string& body) {
  const base::Instant until = std::chrono::steady_clock::now() + kSoon;
  base::Backoff backoff(
      {.first = std::chrono::milliseconds(20), .most = std::chrono::milliseconds(500)}, 1);
  while (true) {
    rpc::UnaryResult result = Export(signal, body);
    const base::Duration wait =
        result.retry_after ? base::Duration(*result.retry_after) : backoff.Next();
    const bool late = std::chrono::steady_clock::now() + wait >= until;
    if (late || !MayBeSentAgain(result)) return result;
    std::this_thread::sleep_for(wait);  // what the answer asks for, not for something to happen
  }
}

}  // namespace postern::integration
