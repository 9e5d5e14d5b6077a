// What a channel is made of: the target and the arguments that gRPC wants, and its byte buffers.
//
// Threads: any.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/rpc/internal/grpc.h"
#include "lib/rpc/unary_channel.h"

namespace postern::rpc::internal {

struct Endpoint {
  bool tls = false;
  std::string target;  // "dns:///host:port"

  bool operator==(const Endpoint&) const = default;
};

// kInvalid: no "http://host:port" or "https://host:port", or more than that.
base::Result<Endpoint> ParseEndpoint(std::string_view url);

grpc::ChannelArguments MakeArguments(const UnaryChannel::Options& options);

// kInvalid: roots without a certificate.
base::Result<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(bool tls,
                                                                        const std::string& ca_pem);

// Shares the memory of `bytes` until gRPC has sent it.
grpc::ByteBuffer ToByteBuffer(const base::Bytes& bytes);
base::Bytes ToBytes(const grpc::ByteBuffer& buffer);

}  // namespace postern::rpc::internal
