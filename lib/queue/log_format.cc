#include "lib/queue/log_format.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"

namespace postern::queue {

using base::Code;
using base::Crc32c;
using base::Fail;
using base::Result;
using internal::AppendField;
using internal::AppendText;
using internal::FieldReader;
using internal::PutField;

namespace {

constexpr std::uint32_t kSegmentMagic = 0x474f4c50;  // "PLOG"
constexpr std::uint32_t kGroupMagic = 0x50524750;    // "PGRP"
constexpr std::size_t kSegmentCrcAt = 56;
constexpr std::size_t kGroupSizeAt = 4;
constexpr std::size_t kGroupPlaceAt = 8;  // tag, then position
constexpr std::size_t kGroupCrcAt = 56;
constexpr std::size_t kOwnEntrySize = 8;
constexpr std::size_t kHopSize = 12;  // what a sender's entry has on top
constexpr std::size_t kCrcSize = 4;

std::size_t SenderSize(const Sender& sender) { return 2 + sender.member.size() + sizeof(StoreId); }

// The senders of some entries, each once, in the order of their first entry.
class SenderTable {
 public:
  explicit SenderTable(std::span<const Entry> entries) {
    numbers_.reserve(entries.size());
    for (const Entry& entry : entries) {
      numbers_.push_back(entry.hop ? NumberOf(entry.hop->sender) : 0);
    }
  }
  const std::vector<const Sender*>& order() const { return order_; }
  std::size_t bytes() const { return bytes_; }
  // Of each entry: 0 where it has no sender, else from 1.
  const std::vector<std::uint32_t>& numbers() const { return numbers_; }

 private:
  struct ByValue {
    bool operator()(const Sender* a, const Sender* b) const { return *a < *b; }
  };
  std::uint32_t NumberOf(const Sender& sender) {
    if (last_ > 0 && *order_[last_ - 1] == sender) return last_;  // they come in runs
    const auto [at, added] =
        known_.try_emplace(&sender, static_cast<std::uint32_t>(order_.size() + 1));
    last_ = at->second;
    if (!added) return last_;
    order_.push_back(&sender);
    bytes_ += SenderSize(sender);
    return last_;
  }

  std::map<const Sender*, std::uint32_t, ByValue> known_;
  std::vector<const Sender*> order_;
  std::vector<std::uint32_t> numbers_;
  std::uint32_t last_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

std::string EncodeSegmentHead(const SegmentHead& head, std::uint32_t version) {
  std::string bytes;
  bytes.reserve(kSegmentHeadSize);
  AppendField(kSegmentMagic, bytes);
  AppendField(version, bytes);
  AppendField(head.tag, bytes);
  AppendField(head.position, bytes);
  AppendField(head.capacity, bytes);
  AppendField(head.former_end, bytes);
  AppendField(head.checkpoint, bytes);
  AppendField(head.first_sequence, bytes);
  AppendField(Crc32c(bytes), bytes);
  bytes.resize(kSegmentHeadSize);
  return bytes;
}

Result<SegmentHead> ParseSegmentHead(std::string_view bytes) {
  FieldReader in(bytes);
  const bool magic = in.U32() == kSegmentMagic;
  const std::uint32_t version = in.U32();
  SegmentHead head;
  head.tag = in.Array<sizeof(Tag)>();
  head.position = in.U64();
  head.capacity = in.U64();
  head.former_end = in.U64();
  head.checkpoint = in.U64();
  head.first_sequence = in.U64();
  const std::uint32_t crc = in.U32();
  if (!in.ok() || !magic || crc != Crc32c(bytes.substr(0, kSegmentCrcAt))) {
    return Fail(Code::kCorrupt, "a segment's head is damaged");
  }
  if (version != kFormatVersion) {
    return Fail(Code::kInvalid, "a segment has version " + std::to_string(version) +
                                    " of the log's format; this program knows " +
                                    std::to_string(kFormatVersion));
  }
  return head;
}

std::uint64_t SizeBound(const Entry& entry) {
  std::uint64_t size = kOwnEntrySize;
  if (entry.hop) size += kHopSize + SenderSize(entry.hop->sender);
  return size + entry.size();
}

Group::Group(std::span<const Entry> entries, std::uint64_t first_sequence, Stamp stamp) {
  const SenderTable senders(entries);
  std::size_t heads = 0;
  for (const Entry& entry : entries) heads += kOwnEntrySize + kHopSize + entry.head.size();
  own_.reserve(kGroupHeadSize + senders.bytes() + heads + kGroupAlignment + kTrailerSize);
  slices_.reserve(2 * entries.size() + 1);
  AppendField(kGroupMagic, own_);
  own_.resize(kGroupPlaceAt + sizeof(Tag) + sizeof(std::uint64_t));  // Seal fills it
  AppendField(first_sequence, own_);
  AppendField(static_cast<std::uint32_t>(entries.size()), own_);
  AppendField(static_cast<std::uint32_t>(senders.order().size()), own_);
  AppendField(stamp.age, own_);
  AppendField(stamp.wall, own_);
  own_.resize(kGroupHeadSize);
  for (const Sender* sender : senders.order()) {
    AppendText(sender->member, own_);
    AppendField(sender->store, own_);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) AddEntry(entries[i], senders.numbers()[i]);
  const std::size_t unpadded = size_ + own_.size() - own_end_;
  own_.append((kGroupAlignment - unpadded % kGroupAlignment) % kGroupAlignment, '\0');
  own_.resize(own_.size() + kTrailerSize);
  EndOwn();
  CHECK(size_ <= std::numeric_limits<std::uint32_t>::max(), "a group's size fits its field");
}

void Group::AddEntry(const Entry& entry, std::uint32_t sender) {
  AppendField(static_cast<std::uint32_t>(entry.size()), own_);
  AppendField(sender, own_);
  if (entry.hop) {
    AppendField(entry.hop->sequence, own_);
    AppendField(entry.hop->crc, own_);
  }
  own_ += entry.head;
  if (entry.body.empty()) return;
  EndOwn();
  slices_.push_back(entry.body.view());
  size_ += entry.body.size();
}

void Group::EndOwn() {
  slices_.push_back(std::string_view(own_).substr(own_end_));
  size_ += own_.size() - own_end_;
  own_end_ = own_.size();
}

std::span<const std::string_view> Group::Seal(const Tag& tag, std::uint64_t position,
                                              std::uint64_t previous_end) {
  PutField(size(), own_.data() + kGroupSizeAt);
  std::copy(tag.begin(), tag.end(), own_.begin() + kGroupPlaceAt);
  PutField(position, own_.data() + kGroupPlaceAt + sizeof(Tag));
  PutField(Crc32c(std::string_view(own_).substr(0, kGroupCrcAt)), own_.data() + kGroupCrcAt);
  char* const trailer = own_.data() + own_.size() - kTrailerSize;
  PutField(previous_end, trailer);
  PutField(size(), trailer + sizeof(previous_end));
  std::uint32_t crc = 0;
  for (const std::string_view slice : slices_) {
    const bool last = slice.data() + slice.size() == own_.data() + own_.size();
    crc = Crc32c(last ? slice.substr(0, slice.size() - kCrcSize) : slice, crc);
  }
  PutField(crc, trailer + kTrailerSize - kCrcSize);
  return slices_;
}

Result<GroupHead> ParseGroupHead(std::string_view bytes, const Tag& tag, std::uint64_t position) {
  FieldReader in(bytes);
  const bool magic = in.U32() == kGroupMagic;
  GroupHead head;
  head.size = in.U32();
  head.tag = in.Array<sizeof(Tag)>();
  head.position = in.U64();
  head.first_sequence = in.U64();
  head.count = in.U32();
  head.senders = in.U32();
  head.stamp.age = in.U64();
  head.stamp.wall = in.U64();
  const std::uint32_t crc = in.U32();
  const bool whole = in.ok() && magic && crc == Crc32c(bytes.substr(0, kGroupCrcAt));
  if (!whole || head.tag != tag || head.position != position || head.count == 0 ||
      head.size % kGroupAlignment != 0 || head.size < kGroupHeadSize + kTrailerSize) {
    return Fail(Code::kCorrupt, "no group begins at " + std::to_string(position));
  }
  return head;
}

Result<std::uint64_t> CheckGroup(std::string_view bytes, const GroupHead& head) {
  const auto damaged = [&head] {
    return Fail(Code::kCorrupt, "the group at " + std::to_string(head.position) + " is damaged");
  };
  if (bytes.size() < head.size) return damaged();
  bytes = bytes.substr(0, head.size);
  FieldReader trailer(bytes.substr(bytes.size() - kTrailerSize));
  const std::uint64_t previous_end = trailer.U64();
  const std::uint32_t size = trailer.U32();
  const std::uint32_t crc = trailer.U32();
  if (size != head.size || previous_end > head.position ||
      crc != Crc32c(bytes.substr(0, bytes.size() - kCrcSize))) {
    return damaged();
  }
  return previous_end;
}

Result<std::vector<StoredEntry>> ParseEntries(const base::Bytes& bytes, const GroupHead& head) {
  const auto damaged = [&head] {
    return Fail(Code::kCorrupt,
                "the group at " + std::to_string(head.position) + " does not hold what it says");
  };
  if (bytes.size() < head.size) return damaged();
  const std::string_view all = bytes.view().substr(0, head.size - kTrailerSize);
  FieldReader in(all.substr(kGroupHeadSize));
  std::vector<Sender> senders;
  for (std::uint32_t i = 0; i < head.senders && in.ok(); ++i) {
    Sender sender;
    sender.member = in.Text();
    sender.store = in.Array<sizeof(StoreId)>();
    senders.push_back(std::move(sender));
  }
  std::vector<StoredEntry> entries;
  for (std::uint32_t i = 0; i < head.count && in.ok(); ++i) {
    const std::uint32_t size = in.U32();
    const std::uint32_t sender = in.U32();
    if (sender > senders.size()) return damaged();
    StoredEntry entry;
    entry.sequence = head.first_sequence + i;
    entry.age = head.stamp.age;
    if (sender > 0) {
      entry.hop = Hop{.sender = senders[sender - 1], .sequence = in.U64(), .crc = in.U32()};
    }
    entry.body = bytes.Slice(all.size() - in.rest().size(), size);
    in.Raw(size);
    entries.push_back(std::move(entry));
  }
  if (!in.ok() || in.rest().size() >= kGroupAlignment) return damaged();
  return entries;
}

}  // namespace postern::queue
