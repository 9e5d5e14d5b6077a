// ParkedRecords: what a backend refuses while it takes the records behind: kept, out of the way,
// and tried again every minute, one at a time.
//
// Pure: knows no store and sends nothing. Of a record it holds no more than where it stands.
//
//   ParkedRecords parked;
//   parked.Add(7, {.after = 6}, now);
//   parked.Next(now + 1min);      // 7
//   parked.Next(now + 1min);      // nothing: its round is over; the next one is a minute later
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "lib/base/clock.h"

namespace postern::relay {

class ParkedRecords {
 public:
  // Each may cost a range of the cursor, which has 1,024: half of them stay for what is done out
  // of order otherwise.
  // Those that are in flight when it is reached may come on top.
  static constexpr std::size_t kMost = 512;

  struct Parked {
    std::uint64_t after = 0;  // as BackendFeed::Item
    std::uint64_t age = 0;
    std::uint64_t size = 0;  // of its body
    bool may_repeat = false;
  };
  using Map = std::map<std::uint64_t, Parked>;  // by sequence

  void Add(std::uint64_t sequence, const Parked& parked, base::Instant now);
  void Remove(std::uint64_t sequence) { all_.erase(sequence); }
  const Map& all() const { return all_; }

  // Returns which is to be tried now, if any. In a round each is, in order.
  std::optional<std::uint64_t> Next(base::Instant now);

 private:
  Map all_;
  std::uint64_t tried_ = 0;  // in this round, through
  base::Instant round_;      // begins
};

}  // namespace postern::relay
