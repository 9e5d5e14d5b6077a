#include "lib/queue/ledger.h"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"

namespace postern::queue {

using base::Code;
using base::Crc32c;
using base::Fail;
using base::Result;
using base::Status;
using internal::AppendField;

namespace {

constexpr std::uint32_t kMagic = 0x47444c50;  // "PLDG"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSector = 512;
constexpr std::size_t kCrcAt = kLedgerSlot - sizeof(std::uint32_t);
static_assert(kSector % kLedgerSlot == 0, "no slot crosses a sector");

Result<LedgerEntry> ParseSlot(std::string_view bytes) {
  internal::FieldReader in(bytes);
  const bool magic = in.U32() == kMagic && in.U32() == kVersion;
  LedgerEntry entry;
  entry.number = in.U64();
  entry.wall = in.U64();
  entry.after = in.U64();
  entry.through = in.U64();
  entry.records = in.U64();
  entry.bytes = in.U64();
  entry.reason = static_cast<Reason>(in.U16());
  entry.reader = in.Text();
  internal::FieldReader end(bytes.substr(kCrcAt));
  const bool known = std::find(kReasons.begin(), kReasons.end(), entry.reason) != kReasons.end();
  if (!magic || !in.ok() || !known || entry.number == 0 || entry.reader.size() > kMostReader ||
      end.U32() != Crc32c(bytes.substr(0, kCrcAt))) {
    return Fail(Code::kCorrupt, "a slot of the ledger is empty or damaged");
  }
  return entry;
}

bool IsSameKind(const LedgerEntry& entry, Reason reason, std::string_view reader) {
  return entry.reason == reason && entry.reader == reader;
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
  AppendField(static_cast<std::uint16_t>(entry.reason), bytes);
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
  return entries;
}

Ledger::Ledger(const std::vector<LedgerEntry>& found) {
  if (found.empty()) return;
  last_ = found.back().number;
  const auto newest = found.end() - static_cast<std::ptrdiff_t>(std::min(found.size(), kGrowing));
  for (auto at = newest; at != found.end(); ++at) items_.push_back({.entry = *at});
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
    return Await(*grows);
  }
  entry.number = ++last_;
  Await(items_.emplace_back(Item{.entry = std::move(entry)}));
}

std::vector<LedgerEntry> Ledger::Collect() {
  // Only here, while nothing is out: what falls back has to be found again.
  std::size_t over = items_.size() - std::min(items_.size(), kGrowing);
  std::erase_if(items_,
                [&over](const Item& item) { return over > 0 && !item.waiting && over-- > 0; });
  std::vector<LedgerEntry> entries;
  for (Item& item : items_) {
    if (!std::exchange(item.waiting, false)) continue;
    entries.push_back(item.entry);
  }
  waiting_ = 0;
  return entries;
}

void Ledger::FallBack(const std::vector<LedgerEntry>& entries) {
  for (const LedgerEntry& entry : entries) {
    const auto same = [&entry](const Item& item) { return item.entry.number == entry.number; };
    const auto found = std::find_if(items_.begin(), items_.end(), same);
    CHECK(found != items_.end(), "an entry stays until it is on the disk");
    Await(*found);
  }
}

Ledger::Item* Ledger::Neighbour(const LedgerEntry& entry) {
  for (Item& item : std::ranges::reverse_view(items_)) {
    // Further back its slot is another's before long.
    if (last_ - item.entry.number >= kGrowing) return nullptr;
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
