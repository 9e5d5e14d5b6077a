// Segments made by hand, group by group: what a disk could hold, right or wrong.
//
//   SegmentBuilder segment(tag, 0, 0);
//   segment.Add(1, {"one", "two"}).Add(3, {"three"});
//   ScanSegment(segment.bytes(), 0, tag);
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/queue/log_format.h"

namespace postern::queue {

class SegmentBuilder {
 public:
  SegmentBuilder(const Tag& tag, std::uint64_t position, std::uint64_t former_end)
      : tag_(tag), position_(position), end_(former_end) {
    bytes_ = EncodeSegmentHead({.tag = tag,
                                .position = position,
                                .capacity = 4096,
                                .former_end = former_end,
                                .checkpoint = 0,
                                .first_sequence = 1});
  }

  // A group behind the last one, or behind what `previous_end` says.
  SegmentBuilder& Add(std::uint64_t first_sequence, const std::vector<std::string>& texts) {
    return AddAfter(end_, first_sequence, texts);
  }
  SegmentBuilder& AddAfter(std::uint64_t previous_end, std::uint64_t first_sequence,
                           const std::vector<std::string>& texts) {
    std::vector<Entry> entries;
    for (const std::string& text : texts) {
      entries.push_back({.hop = std::nullopt, .head = {}, .body = base::Bytes::Copy(text)});
    }
    Group group(entries, first_sequence, {.age = 5, .wall = 6});
    starts_.push_back(bytes_.size());
    for (const std::string_view slice : group.Seal(tag_, position_ + bytes_.size(), previous_end)) {
      bytes_ += slice;
    }
    end_ = position_ + bytes_.size();
    return *this;
  }
  // Spoils the group, counted from 0, so that it is none.
  SegmentBuilder& Spoil(std::size_t group) {
    bytes_[starts_[group] + kGroupHeadSize] ^= 1;
    return *this;
  }
  SegmentBuilder& SpoilHead() {
    bytes_[20] ^= 1;
    return *this;
  }

  const std::string& bytes() const { return bytes_; }
  std::uint64_t end() const { return end_; }
  // Where a group begins, as a position.
  std::uint64_t start(std::size_t group) const { return position_ + starts_[group]; }

 private:
  Tag tag_;
  std::uint64_t position_;
  std::uint64_t end_;
  std::string bytes_;
  std::vector<std::size_t> starts_;
};

}  // namespace postern::queue
