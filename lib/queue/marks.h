// Marks: the highest sequence that the log holds of each sender, with that record's checksum.
//
// There are two of each: what was appended, which tells repeats, and what is synced, which may be
// told to the sender. Where a sync fails the first falls back to the second.
//
//   if (marks.IsRepeat(hop)) return;
//   marks.Append(hop);
//   marks.Sync(hop, age);    // once it is on the disk, or:
//   marks.FallBack();
//
// At most 200,000 senders are known; beyond, those that sent nothing for longest are forgotten.
// That can cost a repeat, which the sender's own store flags, and never a record.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/queue/entry.h"

namespace postern::queue {

struct Mark {
  std::uint64_t sequence = 0;
  std::uint32_t crc = 0;
  std::uint64_t age = 0;  // when it moved last, in the log's age

  bool operator==(const Mark&) const = default;
};

// How long one stays that does not move, in ms of the log's age.
inline constexpr std::uint64_t kMarkLife = 30ULL * 86'400'000;

class MarkTable {
 public:
  explicit MarkTable(std::size_t most = 200'000) : most_(most) {}

  bool IsRepeat(const Hop& hop) const;
  void Append(const Hop& hop);
  void Sync(const Hop& hop, std::uint64_t age);
  void FallBack() { appended_.clear(); }
  // Forgets senders whose mark has not moved since `age`.
  void Forget(std::uint64_t age);

  // What is synced of this sender; zeroes where nothing is.
  Mark Synced(const Sender& sender) const;
  std::size_t size() const { return synced_.size(); }

  // The synced marks, as a checkpoint holds them.
  std::string Encode() const;
  // Takes over marks from a checkpoint. kCorrupt where the bytes are none.
  base::Status Load(std::string_view bytes);

 private:
  void ForgetOldest();

  std::size_t most_;
  std::map<Sender, Mark> synced_;
  std::map<Sender, std::uint64_t> appended_;  // above what is synced
};

}  // namespace postern::queue
