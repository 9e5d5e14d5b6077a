// The ledger: which records left the log otherwise than by being passed on, and which may have been
// passed on twice. docs/log-format.md has the format.
//
// Not the decision: that is the policy's, which names its reason. Not the disk either: LogWriter
// writes what Collect returns, before any cursor says that these records are done.
//
//   std::vector<LedgerEntry> all = ParseLedger(bytes);   // of the file `ledger`
//
// Threads: loop.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace postern::queue {

// The numbers stand on the disk.
enum class Reason : std::uint16_t {
  kExpired = 1,      // older than maxAge
  kEvicted = 2,      // to make room
  kRejected = 3,     // the body is at fault
  kDamaged = 4,      // its bytes are not whole any more
  kAbandoned = 5,    // its reader was removed
  kResent = 6,       // given to another store, though this one may have it
  kRedelivered = 7,  // given to a backend again
};
inline constexpr std::array kReasons{Reason::kExpired,    Reason::kEvicted,   Reason::kRejected,
                                     Reason::kDamaged,    Reason::kAbandoned, Reason::kResent,
                                     Reason::kRedelivered};

// Returns the reason's word in logs, metrics and status: "expired".
std::string_view ReasonName(Reason reason);

struct LedgerEntry {
  std::uint64_t number = 0;  // rises from entry to entry, from 1: its place in the file
  // Where it grew its other place, as far from `number`; 0 where it has none. The two are written
  // in turn: whatever happens to the one, the other is whole.
  std::int8_t twin = 0;
  std::uint64_t wall = 0;  // ms, when it was made or grew last
  Reason reason = Reason::kExpired;
  std::string reader;       // a cursor's name; may be empty
  std::uint64_t after = 0;  // all of them are in (after, through]; others may be, too
  std::uint64_t through = 0;
  std::uint64_t records = 0;  // 0: nobody knows how many
  std::uint64_t bytes = 0;    // of their bodies

  bool operator==(const LedgerEntry&) const = default;
};

inline constexpr std::string_view kLedgerName = "ledger";
inline constexpr std::size_t kLedgerSlot = 128;  // four to a sector
inline constexpr std::size_t kLedgerEntries = 2048;
inline constexpr std::size_t kLedgerBytes = kLedgerSlot * kLedgerEntries;
inline constexpr std::size_t kMostReader = 64;

// Where in the file an entry of this number stands.
constexpr std::size_t LedgerOffset(std::uint64_t number) {
  return number % kLedgerEntries * kLedgerSlot;
}
// Returns kLedgerSlot bytes. The reader's name is not longer than kMostReader.
std::string EncodeLedgerEntry(const LedgerEntry& entry);
// The entries of a ledger's file, rising by number; of one with two places, what was written there
// last. Slots that are empty or damaged are passed over.
std::vector<LedgerEntry> ParseLedger(std::string_view bytes);

// The newest entries in memory, and which of them the disk does not have yet.
//
// An entry that begins or ends where one of the newest of its reason and reader does is no entry of
// its own: that one grows, so that a flood of single drops does not push everything else out.
class Ledger {
 public:
  static constexpr std::size_t kGrowing = 64;
  static constexpr std::size_t kMostWaiting = 256;

  Ledger() = default;
  // Goes on behind what the file holds, as ParseLedger returned it.
  explicit Ledger(const std::vector<LedgerEntry>& found);

  // Whether an entry can be added. kInvalid where the name is too long. kExhausted where
  // kMostWaiting others wait for the disk and none is of this reason and reader.
  base::Status Admits(Reason reason, std::string_view reader) const;
  // Takes an entry that is admitted, and numbers it. Where kMostWaiting wait it joins one of its
  // reason and reader, whose range then covers what lies between them as well.
  void Add(LedgerEntry entry);

  // What the disk does not have yet. What was collected before and did not fall back is there.
  std::vector<LedgerEntry> Collect();
  std::size_t waiting() const { return waiting_; }
  // These, which Collect returned last, did not get there: they are collected again, for the same
  // places.
  void FallBack(const std::vector<LedgerEntry>& entries);

 private:
  struct Item {
    LedgerEntry entry;         // its number is that of its first place
    std::uint64_t second = 0;  // number of the other, which it gets as it grows
    std::uint64_t safe = 0;    // of the two, the one that the disk has
    std::uint64_t out = 0;     // and the one that is being written
    bool waiting = false;

    std::uint64_t first() const { return entry.number; }
    LedgerEntry ForDisk();
  };

  // The one that grows by this entry; null where it stands alone.
  Item* Neighbour(const LedgerEntry& entry);
  Item* Waiting(Reason reason, std::string_view reader);
  void Await(Item& item);

  std::deque<Item> items_;  // rising by number; the newest, and all that wait
  std::size_t waiting_ = 0;
  std::uint64_t last_ = 0;  // number
};

}  // namespace postern::queue
