// Output: what a lane has to send: small frames run together, large bodies kept where they are.
//
// Threads: loop.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "lib/base/bytes.h"

namespace postern::lane {

class Output {
 public:
  // Returns the text to which frames are appended next; use it at once.
  std::string& text();
  // Queues `bytes` behind everything else, without a copy.
  void Append(base::Bytes bytes);

  std::size_t size() const { return size_ + open_.size(); }
  bool empty() const { return size() == 0; }
  // Moves exactly `count` bytes to the end of `out`. Requires count <= size().
  void Take(std::size_t count, std::string& out);

 private:
  struct Piece {
    std::string text;
    base::Bytes bytes;
    std::string_view view() const { return text.empty() ? bytes.view() : std::string_view(text); }
  };
  void Seal();

  std::deque<Piece> pieces_;
  std::size_t taken_ = 0;  // of the first piece
  std::size_t size_ = 0;   // of the pieces, less what was taken
  std::string open_;       // text that still grows
};

}  // namespace postern::lane
