#include "lib/rpc/internal/channel_parts.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace postern::rpc::internal {
namespace {

using base::Code;
using base::Fail;
using std::chrono::milliseconds;

int Milliseconds(milliseconds time) { return static_cast<int>(time.count()); }

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0;
}

// "host", "10.0.0.1" or "[::1]"; whether it exists is the resolver's question.
bool IsHost(std::string_view text) {
  const bool bracketed = text.starts_with('[') && text.ends_with(']');
  if (bracketed) text = text.substr(1, text.size() - 2);
  constexpr std::string_view kNever = "/?#@[] \t\r\n%";
  return !text.empty() && text.find_first_of(kNever) == std::string_view::npos &&
         (bracketed || text.find(':') == std::string_view::npos);
}

}  // namespace

base::Result<Endpoint> ParseEndpoint(std::string_view url) {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kTls = "https://";
  const bool tls = url.starts_with(kTls);
  const std::size_t scheme = tls ? kTls.size() : kPlain.size();
  const std::size_t colon = url.rfind(':');
  if ((tls || url.starts_with(kPlain)) && colon != std::string_view::npos && colon >= scheme &&
      IsHost(url.substr(scheme, colon - scheme)) && IsPort(url.substr(colon + 1))) {
    return Endpoint{.tls = tls, .target = "dns:///" + std::string(url.substr(scheme))};
  }
  return Fail(Code::kInvalid, "reading endpoint '" + std::string(url) +
                                  "': not http://host:port or https://host:port");
}

grpc::ChannelArguments MakeArguments(const UnaryChannel::Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix(options.user_agent);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_response));
  // gRPC inflates first and checks the size afterwards: so nothing compressed is asked for, and
  // what comes compressed all the same stays as it is.
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(milliseconds(100)));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(std::chrono::seconds(5)));
  // Despite its name the bound of one attempt to connect.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Milliseconds(std::chrono::seconds(5)));
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS,
                   Milliseconds(std::chrono::seconds(5)));
  // Only while calls wait for answers: grpc-go servers end connections that ping when idle.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(std::chrono::seconds(30)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(std::chrono::seconds(10)));
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // A repeat is the caller's decision: it counts and marks it.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Two channels to one address share neither connection nor back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

base::Result<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(bool tls,
                                                                        const std::string& ca_pem) {
  if (!tls) return grpc::InsecureChannelCredentials();
  // gRPC would make a channel on which every call fails, without saying why.
  if (!ca_pem.empty() && ca_pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    return Fail(Code::kInvalid, "reading roots of an endpoint: no PEM certificate in them");
  }
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = ca_pem;
  return grpc::SslCredentials(ssl);
}

grpc::ByteBuffer ToByteBuffer(const base::Bytes& bytes) {
  // gRPC takes the memory as writable and never writes to it. An empty message is one empty slice:
  // a buffer without any would be no message.
  auto* const held = new base::Bytes(bytes);
  const std::string_view view = held->view();
  const grpc::Slice slice(
      const_cast<char*>(view.data()), view.size(),
      [](void* memory) { delete static_cast<base::Bytes*>(memory); }, held);
  return grpc::ByteBuffer(&slice, 1);
}

base::Bytes ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return {};
  base::BytesBuilder builder(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    builder.Append({reinterpret_cast<const char*>(slice.begin()), slice.size()});
  }
  return std::move(builder).Finish();
}

}  // namespace postern::rpc::internal
