// MessageReader: puts gRPC messages together from the chunks in which a lane delivers them.
//
// Memory for a message is taken when its length is known and within the bound, so a peer cannot
// claim more than the lane allows.
//
// Threads: loop.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/http2/grpc_framing.h"

namespace postern::lane {

class MessageReader {
 public:
  explicit MessageReader(std::size_t max_message) : max_message_(max_message) {}

  // Calls `on_message` for each message that `chunk` completes, until it fails. kInvalid where the
  // prefix is not one of an uncompressed message or announces more than the bound.
  base::Status Take(std::string_view chunk,
                    const std::function<base::Status(base::Bytes)>& on_message);

  // Bounds messages that begin from now on.
  void set_max_message(std::size_t bytes) { max_message_ = bytes; }

  // Bytes held for a message that is not complete yet.
  std::size_t held() const { return body_ ? body_->size() : 0; }

 private:
  base::Status TakePrefix(std::string_view& chunk);

  std::size_t max_message_;
  http2::MessagePrefix prefix_;
  std::optional<base::BytesBuilder> body_;
};

}  // namespace postern::lane
