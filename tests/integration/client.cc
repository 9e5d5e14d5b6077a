#include "tests/integration/client.h"

#include <array>
#include <future>

#include "lib/base/check.h"

namespace postern::integration {

Client::Client(std::uint16_t port) {
  auto channel = rpc::UnaryChannel::Open({.endpoint = "http://127.0.0.1:" + std::to_string(port)});
  CHECK(channel, "an endpoint on this machine is well formed");
  channel_ = *std::move(channel);
}

int Client::Export(otlp::Signal signal, const std::string& body) {
  constexpr std::array kMethods = {
      "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
      "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
      "/opentelemetry.proto.collector.trace.v1.TraceService/Export"};
  auto answer = std::make_shared<std::promise<int>>();
  std::future<int> code = answer->get_future();
  channel_->Call(kMethods[static_cast<std::size_t>(signal)], base::Bytes::Copy(body), {},
                 std::chrono::seconds(20),
                 [answer](const rpc::UnaryResult& result) { answer->set_value(result.grpc_code); });
  return code.get();
}

}  // namespace postern::integration
