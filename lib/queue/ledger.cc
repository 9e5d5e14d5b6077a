#include "lib/queue/ledger.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <ranges>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"

namespace postern::queue {

using base::Code;
using base::Crc32c;
using base::Fail;
using base::Status;
using internal::AppendField;

namespace {

constexpr std::uint32_t kMagic = 0x47444c50;  // "PLDG"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSector = 512;
constexpr std::size_t kCrcAt = kLedgerSlot - sizeof(std::uint32_t);
// No log comes that far, and counting on from there does not wrap.
constexpr std::uint64_t kMostNumber = std::uint64_t{1} << 62;
constexpr std::uint16_t kReasonMask = 0xff;
constexpr int kTwinShift = 8;  // of the reason's field
static_assert(kSector % kLedgerSlot == 0, "no slot crosses a sector");

// The number of its other place; where it has none, its own.
std::uint64_t TwinOf(const LedgerEntry& entry) {
  return entry.number + static_cast<std::uint64_t>(std::int64_t{entry.twin});
}

// Nothing where the slot is empty or damaged.
std::optional<LedgerEntry> ParseSlot(std::string_view bytes) {
  internal::FieldReader in(bytes);
  if (in.U32() != kMagic || in.U32() != kVersion) return std::nullopt;  // most are empty
  LedgerEntry entry;
  entry.number = in.U64();
  entry.wall = in.U64();
  entry.after = in.U64();
  entry.through = in.U64();
  entry.records = in.U64();
  entry.bytes = in.U64();
  const std::uint16_t reason = in.U16();
  entry.reason = static_cast<Reason>(reason & kReasonMask);
  entry.twin = static_cast<std::int8_t>(reason >> kTwinShift);
  entry.reader = in.Text();
  internal::FieldReader end(bytes.substr(kCrcAt));
  const bool known = std::find(kReasons.begin(), kReasons.end(), entry.reason) != kReasons.end();
  const bool placed = entry.number - 1 < kMostNumber && TwinOf(entry) - 1 < kMostNumber;
  if (!in.ok() || !known || !placed || entry.reader.size() > kMostReader ||
      end.U32() != Crc32c(bytes.substr(0, kCrcAt))) {
    return std::nullopt;
  }
  return entry;
}

bool IsSameKind(const LedgerEntry& entry, Reason reason, std::string_view reader) {
  return entry.reason == reason && entry.reader == reader;
}

// Whether what stands in an entry's other place counts instead of it.
bool IsFormer(const LedgerEntry& entry, const LedgerEntry& other) {
  if (!IsSameKind(entry, other.reason, other.reader)) return false;
  if (other.twin != 0 && TwinOf(other) != entry.number) return false;
  if (entry.twin == 0 && entry.number > other.number) return false;  // no second place is without
  return entry.after >= other.after && entry.through <= other.through &&
         entry.records <= other.records;
}

// `all` rises by number.
std::vector<LedgerEntry> WithoutFormer(const std::vector<LedgerEntry>& all) {
  const auto find = [&all](std::uint64_t number) {
    const auto at = std::lower_bound(
        all.begin(), all.end(), number,
        [](const LedgerEntry& one, std::uint64_t below) { return one.number < below; });
    return at == all.end() || at->number != number ? nullptr : &*at;
  };
  std::vector<bool> former(all.size(), false);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const LedgerEntry& one = all[i];
    if (one.twin == 0) continue;
    const LedgerEntry* const other = find(TwinOf(one));
    if (other != nullptr && IsFormer(*other, one)) {
      former[static_cast<std::size_t>(other - all.data())] = true;
    } else if (other != nullptr) {
      former[i] = IsFormer(one, *other);
    } else if (one.twin < 0) {
      // Its first place is the next round's: what stood there may have been more than this.
      former[i] = find(TwinOf(one) + kLedgerEntries) != nullptr;
    }
  }
  std::vector<LedgerEntry> left;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!former[i]) left.push_back(all[i]);
  }
  return left;
}

void Grow(LedgerEntry& entry, const LedgerEntry& by) {
  entry.wall = by.wall;
  entry.after = std::min(entry.after, by.after);
  entry.through = std::max(entry.through, by.through);
  entry.records += by.records;
  entry.bytes += by.bytes;
}

}  // namespace

std::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kExpired: return "expired";
    case Reason::kEvicted: return "evicted";
    case Reason::kRejected: return "rejected";
    case Reason::kDamaged: return "damaged";
    case Reason::kAbandoned: return "abandoned";
    case Reason::kResent: return "resent";
    case Reason::kRedelivered: return "redelivered";
  }
  CHECK(false, "every reason has a name");
}

std::string EncodeLedgerEntry(const LedgerEntry& entry) {
  CHECK(entry.reader.size() <= kMostReader, "a reader's name fits its slot");
  std::string bytes;
  bytes.reserve(kLedgerSlot);
  AppendField(kMagic, bytes);
  AppendField(kVersion, bytes);
  AppendField(entry.number, bytes);
  AppendField(entry.wall, bytes);
  AppendField(entry.after, bytes);
  AppendField(entry.through, bytes);
  AppendField(entry.records, bytes);
  AppendField(entry.bytes, bytes);
  const auto twin = static_cast<std::uint16_t>(static_cast<std::uint8_t>(entry.twin) << kTwinShift);
  AppendField(static_cast<std::uint16_t>(static_cast<std::uint16_t>(entry.reason) | twin), bytes);
  internal::AppendText(entry.reader, bytes);
  bytes.resize(kCrcAt);
  AppendField(Crc32c(bytes), bytes);
  return bytes;
}

std::vector<LedgerEntry> ParseLedger(std::string_view bytes) {
  std::vector<LedgerEntry> entries;
  for (std::size_t at = 0; at + kLedgerSlot <= bytes.size(); at += kLedgerSlot) {
    auto entry = ParseSlot(bytes.substr(at, kLedgerSlot));
    if (entry && LedgerOffset(entry->number) == at) entries.push_back(*std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const LedgerEntry& a, const LedgerEntry& b) { return a.number < b.number; });
  // Until nothing goes: what one was measured against may be a former one itself.
  for (std::size_t before = 0; before != entries.size();) {
    before = entries.size();
    entries = WithoutFormer(entries);
  }
  return entries;
}

Ledger::Ledger(const std::vector<LedgerEntry>& found) {
  for (const LedgerEntry& entry : found) last_ = std::max({last_, entry.number, TwinOf(entry)});
  const auto newest = found.end() - static_cast<std::ptrdiff_t>(std::min(found.size(), kGrowing));
  for (auto at = newest; at != found.end(); ++at) {
    Item item{.entry = *at, .safe = at->number};
    if (at->twin != 0) item.second = std::max(at->number, TwinOf(*at));
    item.entry.number = std::min(at->number, TwinOf(*at));
    item.entry.twin = 0;
    items_.push_back(std::move(item));
  }
  std::sort(items_.begin(), items_.end(),
            [](const Item& a, const Item& b) { return a.first() < b.first(); });
}

Status Ledger::Admits(Reason reason, std::string_view reader) const {
  if (reader.size() > kMostReader) {
    return Fail(Code::kInvalid, "adding to the ledger: a reader's name has at most " +
                                    std::to_string(kMostReader) + " bytes");
  }
  const auto joins = [&](const Item& item) {
    return item.waiting && IsSameKind(item.entry, reason, reader);
  };
  if (waiting_ < kMostWaiting || std::any_of(items_.begin(), items_.end(), joins)) return {};
  return Fail(Code::kExhausted,
              "adding to the ledger: " + std::to_string(waiting_) + " entries wait for the disk");
}

void Ledger::Add(LedgerEntry entry) {
  Item* grows = Neighbour(entry);
  if (grows == nullptr && waiting_ >= kMostWaiting) grows = Waiting(entry.reason, entry.reader);
  if (grows != nullptr) {
    Grow(grows->entry, entry);
    const bool written = grows->safe != 0 || grows->out != 0;
    if (written && grows->second == 0) grows->second = ++last_;
    return Await(*grows);
  }
  entry.number = ++last_;
  Await(items_.emplace_back(Item{.entry = std::move(entry)}));
}

// What it holds, for the place that the disk can do without.
LedgerEntry Ledger::Item::ForDisk() {
  LedgerEntry one = entry;
  one.number = out = safe == first() ? second : first();
  if (second == 0) return one;
  const std::uint64_t other = one.number == second ? first() : second;
  one.twin = static_cast<std::int8_t>(other - one.number);
  return one;
}

std::vector<LedgerEntry> Ledger::Collect() {
  for (Item& item : items_) {
    if (item.out != 0) item.safe = std::exchange(item.out, 0);
  }
  // Only here, while nothing is out: what falls back has to be found again.
  std::size_t over = items_.size() - std::min(items_.size(), kGrowing);
  std::erase_if(items_,
                [&over](const Item& item) { return over > 0 && !item.waiting && over-- > 0; });
  std::vector<LedgerEntry> entries;
  for (Item& item : items_) {
    if (std::exchange(item.waiting, false)) entries.push_back(item.ForDisk());
  }
  waiting_ = 0;
  return entries;
}

void Ledger::FallBack(const std::vector<LedgerEntry>& entries) {
  for (const LedgerEntry& entry : entries) {
    const auto same = [&entry](const Item& item) { return item.out == entry.number; };
    const auto found = std::find_if(items_.begin(), items_.end(), same);
    CHECK(found != items_.end(), "an entry stays until it is on the disk");
    found->out = 0;
    Await(*found);
  }
}

Ledger::Item* Ledger::Neighbour(const LedgerEntry& entry) {
  for (Item& item : std::ranges::reverse_view(items_)) {
    // Further back its slot is another's before long.
    if (last_ - item.first() >= kGrowing) return nullptr;
    const LedgerEntry& other = item.entry;
    if (!IsSameKind(other, entry.reason, entry.reader)) continue;
    if ((other.records == 0) != (entry.records == 0)) continue;  // one of the two is not known
    if (other.through == entry.after || other.after == entry.through) return &item;
  }
  return nullptr;
}

Ledger::Item* Ledger::Waiting(Reason reason, std::string_view reader) {
  const auto found = std::find_if(items_.begin(), items_.end(), [&](const Item& item) {
    return item.waiting && IsSameKind(item.entry, reason, reader);
  });
  return found == items_.end() ? nullptr : &*found;
}

void Ledger::Await(Item& item) {
  if (!std::exchange(item.waiting, true)) ++waiting_;
}

}  // namespace postern::queue
