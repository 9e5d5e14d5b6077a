#include "sidecar/lane/message_reader.h"

#include <string>
#include <utility>

namespace postern::lane {

using base::Code;
using base::Fail;

base::Status MessageReader::TakePrefix(std::string_view& chunk) {
  if (!prefix_.Take(chunk)) return {};
  if (prefix_.flag() != 0) return Fail(Code::kInvalid, "lane message claims gRPC compression");
  const std::size_t size = prefix_.size();
  if (size > max_message_) {
    return Fail(Code::kInvalid, "lane message of " + std::to_string(size) + " bytes; at most " +
                                    std::to_string(max_message_) + " are allowed here");
  }
  body_.emplace(size);
  return {};
}

base::Status MessageReader::Take(std::string_view chunk,
                                 const std::function<base::Status(base::Bytes)>& on_message) {
  while (!chunk.empty() || (body_ && body_->missing() == 0)) {
    if (!body_) {
      RETURN_IF_ERROR(TakePrefix(chunk));
      if (!body_) return {};
    }
    chunk.remove_prefix(body_->Append(chunk));
    if (body_->missing() > 0) return {};
    base::Bytes message = std::move(*body_).Finish();
    body_.reset();
    prefix_.Reset();
    RETURN_IF_ERROR(on_message(std::move(message)));
  }
  return {};
}

}  // namespace postern::lane
