// The last plain text that went through a lane: what the next batch is compressed against.
//
// Both ends keep one and append the plain text of the same batches in the order of the lane (those
// that went compressed: a frame says so); so the two stay equal. Memory is taken as text comes.
//
//   LaneHistory history(granted);          // what Welcome said, the same at both ends
//   codec.Compress(history, plain, out);
//   history.Append(plain);
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace postern::compress {

// Threads: loop.
class LaneHistory {
 public:
  // More than this is not worth its memory at level 1.
  static constexpr std::size_t kMost = std::size_t{32} * 1024;

  // Keeps at most `limit` bytes, and never more than kMost. 0: each batch stands alone.
  explicit LaneHistory(std::size_t limit = kMost);

  // Keeps the last `limit` bytes of all that was appended since the start or the last Release.
  void Append(std::string_view plain);
  // Forgets the text and gives its memory back. Both ends must do it between the same two batches.
  void Release();

  std::string_view view() const { return {text_.data(), text_.size()}; }
  // The memory held now.
  std::size_t bytes() const { return text_.capacity(); }

 private:
  std::size_t limit_;
  std::vector<char> text_;
};

}  // namespace postern::compress
