#include "sidecar/lane/message_reader.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace postern::lane {

using base::Code;
using base::Fail;

base::Status MessageReader::TakePrefix(std::string_view& chunk) {
  const std::size_t taken = std::min(chunk.size(), prefix_.size() - prefix_filled_);
  std::copy_n(chunk.begin(), taken, prefix_.begin() + static_cast<std::ptrdiff_t>(prefix_filled_));
  prefix_filled_ += taken;
  chunk.remove_prefix(taken);
  if (prefix_filled_ < prefix_.size()) return {};
  if (prefix_[0] != 0) return Fail(Code::kInvalid, "lane message claims gRPC compression");
  std::size_t size = 0;
  for (std::size_t i = 1; i < prefix_.size(); ++i) {
    size = size << 8U | static_cast<std::uint8_t>(prefix_[i]);
  }
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
    prefix_filled_ = 0;
    RETURN_IF_ERROR(on_message(std::move(message)));
  }
  return {};
}

}  // namespace postern::lane
