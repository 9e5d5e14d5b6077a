#include "lib/compress/lane_history.h"

#include <algorithm>

namespace postern::compress {
namespace {

constexpr std::size_t kFirst = 1024;

}  // namespace

LaneHistory::LaneHistory(std::size_t limit) : limit_(std::min(limit, kMost)) {}

void LaneHistory::Append(std::string_view plain) {
  plain = plain.substr(plain.size() - std::min(plain.size(), limit_));
  const std::size_t kept = std::min(text_.size(), limit_ - plain.size());
  text_.erase(text_.begin(), text_.end() - static_cast<std::ptrdiff_t>(kept));
  if (const std::size_t needed = kept + plain.size(); needed > text_.capacity()) {
    text_.reserve(std::min(limit_, std::max({needed, 2 * text_.capacity(), kFirst})));
  }
  text_.insert(text_.end(), plain.begin(), plain.end());
}

void LaneHistory::Release() { std::vector<char>().swap(text_); }

}  // namespace postern::compress
