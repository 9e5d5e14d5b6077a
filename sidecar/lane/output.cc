#include "sidecar/lane/output.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace postern::lane {

std::string& Output::text() { return open_; }

void Output::Seal() {
  if (open_.empty()) return;
  size_ += open_.size();
  pieces_.push_back({std::exchange(open_, {}), {}});
}

void Output::Append(base::Bytes bytes) {
  if (bytes.empty()) return;
  Seal();
  size_ += bytes.size();
  pieces_.push_back({{}, std::move(bytes)});
}

void Output::Take(std::size_t count, std::string& out) {
  CHECK(count <= size(), "a lane is asked for what it has");
  if (count > size_) Seal();
  size_ -= count;
  while (count > 0) {
    const std::string_view rest = pieces_.front().view().substr(taken_);
    const std::size_t part = std::min(count, rest.size());
    out.append(rest.substr(0, part));
    count -= part;
    taken_ += part;
    if (part < rest.size()) return;
    pieces_.pop_front();
    taken_ = 0;
  }
}

}  // namespace postern::lane
