// The log's bytes: heads of segments, groups and their trailers. docs/log-format.md has the format.
//
// Pure: opens no file and trusts no byte. What a parser returns was checked whole: magic, version,
// tag, place, checksum.
//
//   Group group(entries, {.first_sequence = 7});
//   RETURN_IF_ERROR(file.WriteAt(offset, group.Seal(tag, position, previous_end)));
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/queue/entry.h"

namespace postern::queue {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kSegmentHeadSize = 512;
inline constexpr std::size_t kGroupHeadSize = 64;
inline constexpr std::size_t kTrailerSize = 16;
inline constexpr std::size_t kGroupAlignment = 8;
inline constexpr std::size_t kMaxMember = 253;  // RFC 1035, section 2.3.4

struct SegmentHead {
  Tag tag{};
  std::uint64_t position = 0;
  std::uint64_t capacity = 0;    // bytes it was made with, this head included
  std::uint64_t former_end = 0;  // where the log before this segment ends
  std::uint64_t checkpoint = 0;  // the newest synced one; 0 where there is none
  std::uint64_t first_sequence = 0;

  bool operator==(const SegmentHead&) const = default;
};

// Returns kSegmentHeadSize bytes. Another version is for tests of what this one does not know.
std::string EncodeSegmentHead(const SegmentHead& head, std::uint32_t version = kFormatVersion);
// kCorrupt where the bytes are no head, kInvalid where a later version wrote them.
base::Result<SegmentHead> ParseSegmentHead(std::string_view bytes);

// When a group was collected, in ms: `age` only rises, `wall` is for people and for the next start.
struct Stamp {
  std::uint64_t age = 0;
  std::uint64_t wall = 0;

  bool operator==(const Stamp&) const = default;
};

struct GroupHead {
  Tag tag{};
  std::uint64_t position = 0;
  std::uint32_t size = 0;  // from the head to the end of the trailer
  std::uint64_t first_sequence = 0;
  std::uint32_t count = 0;
  std::uint32_t senders = 0;
  Stamp stamp;

  std::uint64_t end() const { return position + size; }
  std::uint64_t last_sequence() const { return first_sequence + count - 1; }
  bool operator==(const GroupHead&) const = default;
};

// Entries as one group. Their bodies are not copied: they outlive the group.
class Group {
 public:
  Group(std::span<const Entry> entries, std::uint64_t first_sequence, Stamp stamp);

  std::uint32_t size() const { return static_cast<std::uint32_t>(size_); }
  // Returns the group's bytes for this place, good until the next call.
  std::span<const std::string_view> Seal(const Tag& tag, std::uint64_t position,
                                         std::uint64_t previous_end);

 private:
  void EndOwn();
  void AddEntry(const Entry& entry, std::uint32_t sender);

  std::string own_;          // all but the bodies; its memory never moves
  std::size_t own_end_ = 0;  // how far it stands in slices_
  std::vector<std::string_view> slices_;
  std::size_t size_ = 0;
};

// Returns the most bytes that this entry can add to a group.
std::uint64_t SizeBound(const Entry& entry);

// Reads a head that stands at `position` in a log of this tag. kCorrupt where none does.
base::Result<GroupHead> ParseGroupHead(std::string_view bytes, const Tag& tag,
                                       std::uint64_t position);
// Checks all bytes of a group against its trailer and returns where the group before it ends.
base::Result<std::uint64_t> CheckGroup(std::string_view bytes, const GroupHead& head);
// Reads the entries of a group that was checked; bodies are slices of `bytes`.
base::Result<std::vector<StoredEntry>> ParseEntries(const base::Bytes& bytes,
                                                    const GroupHead& head);

}  // namespace postern::queue
