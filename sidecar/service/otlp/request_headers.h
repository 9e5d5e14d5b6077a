// RequestHeaders: what an OTLP/gRPC request says before its body, bounded and checked.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "sidecar/record/answer.h"
#include "sidecar/record/record.h"

namespace postern::service {

class RequestHeaders {
 public:
  // Takes one header. False where there are too many or they are too long.
  bool Take(std::string_view name, std::string_view value);

  // Why the request cannot be served, once all headers came; nothing where it can.
  std::optional<record::Answer> Fault() const;

  // Requires that there is no Fault.
  record::Signal signal() const { return *signal_; }
  bool gzip() const { return encoding_ == "gzip"; }
  // How long the client waits: 10 s where it does not say.
  base::Duration timeout() const;
  // Headers that travel with the record: those named "x-…", which tell backends a tenant or the
  // like. Credentials (authorization, cookies) are the door's business and end here.
  record::Metadata TakeMetadata() { return std::move(metadata_); }

 private:
  std::optional<record::Signal> signal_;
  std::string path_;
  std::string method_;
  std::string content_type_;
  std::string encoding_;
  std::optional<base::Duration> timeout_;
  record::Metadata metadata_;
  unsigned count_ = 0;
  std::size_t bytes_ = 0;
};

// Reads grpc-timeout: up to eight digits and a unit (H M S m u n); nothing where it is malformed.
std::optional<base::Duration> ParseGrpcTimeout(std::string_view text);

}  // namespace postern::service
