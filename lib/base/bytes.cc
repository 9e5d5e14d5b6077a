#include "lib/base/bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/check.h"

namespace postern::base {

Bytes::Bytes(std::shared_ptr<const char[]> memory, std::string_view view)
    : memory_(std::move(memory)), view_(view) {}

Bytes Bytes::Copy(std::string_view text) {
  BytesBuilder builder(text.size());
  builder.Append(text);
  return std::move(builder).Finish();
}

Bytes Bytes::Slice(std::size_t from, std::size_t most) const {
  CHECK(from <= view_.size(), "a slice starts inside its bytes");
  return Bytes(memory_, view_.substr(from, most));
}

BytesBuilder::BytesBuilder(std::size_t size)
    : memory_(size == 0 ? nullptr : std::make_shared_for_overwrite<char[]>(size)), size_(size) {}

std::size_t BytesBuilder::Append(std::string_view chunk) {
  const std::size_t taken = std::min(chunk.size(), missing());
  if (taken > 0) std::memcpy(memory_.get() + filled_, chunk.data(), taken);
  filled_ += taken;
  return taken;
}

char* BytesBuilder::FillAll() {
  filled_ = size_;
  return memory_.get();
}

Bytes BytesBuilder::Finish() && {
  CHECK(missing() == 0, "bytes are finished when all have come");
  const std::string_view view(memory_.get(), size_);
  return Bytes(std::move(memory_), view);
}

}  // namespace postern::base
