// Bytes: an immutable run of bytes that is shared, not copied, on its way from a door to a backend.
//
//   BytesBuilder body(declared_size);
//   body.Append(chunk);              // copies once, into memory of exactly that size
//   Bytes record = std::move(body).Finish();
//   Bytes tail = record.Slice(12);   // same memory
//
// Threads: immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace postern::base {

class Bytes {
 public:
  Bytes() = default;
  // Copies `text`.
  static Bytes Copy(std::string_view text);

  std::string_view view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

  // Returns the part from `from` on, of at most `most` bytes, in the same memory.
  Bytes Slice(std::size_t from, std::size_t most = std::string_view::npos) const;

  bool operator==(const Bytes& other) const { return view_ == other.view_; }

 private:
  friend class BytesBuilder;
  Bytes(std::shared_ptr<const char[]> memory, std::string_view view);

  std::shared_ptr<const char[]> memory_;
  std::string_view view_;
};

// Fills memory of a size that is known before the first byte. Threads: loop.
class BytesBuilder {
 public:
  explicit BytesBuilder(std::size_t size);

  std::size_t missing() const { return size_ - filled_; }
  std::size_t size() const { return size_; }
  // Copies as much of `chunk` as is still missing and returns how much that was.
  std::size_t Append(std::string_view chunk);
  // The memory itself, for a writer that fills all of `size` bytes at once: missing() is 0 then.
  char* FillAll();
  // Requires that nothing is missing.
  Bytes Finish() &&;

 private:
  std::shared_ptr<char[]> memory_;
  std::size_t size_;
  std::size_t filled_ = 0;
};

}  // namespace postern::base
