// What the log keeps beside its segments: who it is, and checkpoints. docs/log-format.md has the
// format.
//
// Pure but for the random ids: bytes in, values out.
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/queue/entry.h"

namespace postern::queue {

// A sequence is (open count << 40) + n: it rises over restarts without a disk access for each.
inline constexpr int kSequenceBits = 40;

struct Identity {
  Tag tag{};
  StoreId store{};
  std::uint64_t open_count = 0;

  bool operator==(const Identity&) const = default;
};

// Random: no other folder has the same.
Tag NewTag();
StoreId NewStoreId();

std::string EncodeIdentity(const Identity& identity);
base::Result<Identity> ParseIdentity(std::string_view bytes);

// Marks and cursors as of everything below `position`.
struct Checkpoint {
  std::uint64_t position = 0;
  std::string cursors;  // CursorTable's bytes
  std::string marks;    // MarkTable's bytes

  bool operator==(const Checkpoint&) const = default;
};

std::string EncodeCheckpoint(const Checkpoint& checkpoint, const Tag& tag);
// kCorrupt where the bytes are none of this log and position.
base::Result<Checkpoint> ParseCheckpoint(std::string_view bytes, const Tag& tag,
                                         std::uint64_t position);

// File names: 16 hex digits and what the file is.
enum class FileKind : std::uint8_t { kSegment, kCheckpoint, kDamaged };
std::string FileName(FileKind kind, std::uint64_t position);
// The position in a name of this kind; nothing where the name is another.
base::Result<std::uint64_t> PositionIn(std::string_view name, FileKind kind);

}  // namespace postern::queue
