// The half of Store that readers use: what is synced, from memory or back from the disk.
#include <algorithm>
#include <utility>

#include "sidecar/record/record_codec.h"
#include "sidecar/store/reader.h"
#include "sidecar/store/store.h"

namespace postern::store {

using base::Result;

GroupPtr Store::MakeGroup(std::uint64_t after, std::uint64_t through, std::vector<Kept> records) {
  std::uint64_t bytes = 0;
  for (const Kept& kept : records) bytes += kept.record->body.size() + kRecordCost;
  env_.budget.Force(bytes);
  // Counted for as long as any reader holds it.
  const auto give_back = [&budget = env_.budget](const Group* group) {
    budget.Give(group->bytes);
    delete group;
  };
  return {
      new Group{.after = after, .through = through, .records = std::move(records), .bytes = bytes},
      give_back};
}

void Store::Remember(const GroupPtr& group) {
  cached_ += group->bytes;
  cache_.emplace(group->after, group);
}

// What every reader is above is asked for again only after a link was lost: the disk has it.
void Store::ForgetPassed() {
  std::uint64_t passed = synced_through();
  for (const Reader* reader : readers_) passed = std::min(passed, reader->position());
  while (!cache_.empty() && cache_.begin()->second->through <= passed) {
    const Group& first = *cache_.begin()->second;
    cached_from_ = std::max(cached_from_, first.through);
    cached_ -= first.bytes;
    cache_.erase(cache_.begin());
  }
}

std::uint64_t Store::BytesAfter(std::uint64_t sequence) const {
  if (sequence < cached_from_) return log_->bytes();
  std::uint64_t bytes = 0;
  for (auto at = cache_.lower_bound(sequence); at != cache_.end(); ++at) bytes += at->second->bytes;
  return bytes;
}

std::vector<std::string> Store::Unread() const {
  std::vector<std::string> names;
  for (const auto& [name, cursor] : log_->cursors().all()) {
    const auto reads = [&name](const Reader* reader) { return reader->cursor_ == name; };
    if (std::none_of(readers_.begin(), readers_.end(), reads)) names.push_back(name);
  }
  return names;
}

void Store::TellReaders() {
  for (Reader* reader : readers_) reader->TellReady();
}

Result<GroupPtr> Store::Fetch(std::uint64_t after, queue::LogReader& reader) {
  const auto above = cache_.upper_bound(after);
  if (above != cache_.begin()) {
    const GroupPtr& group = std::prev(above)->second;
    if (group->through > after) return group;
  }
  if (after >= readable_through_) return GroupPtr();
  Result<GroupPtr> loaded = Load(after, reader);
  if (!loaded) read_failed_.Failed(log::Level::kError, "the queue cannot be read", loaded.error());
  return loaded;
}

Result<GroupPtr> Store::Load(std::uint64_t after, queue::LogReader& reader) {
  ASSIGN_OR_RETURN(const std::vector<queue::StoredEntry> entries, reader.Read(after));
  for (const queue::Damage& damage : reader.TakeDamages()) OnDamage(damage);
  // All that is left of what readers were told of is damaged.
  if (entries.empty()) return MakeGroup(after, readable_through_, {});
  holdings_.Add(after, entries.back().sequence, entries.front().age);
  std::vector<Kept> records;
  records.reserve(entries.size());
  for (const queue::StoredEntry& entry : entries) {
    Result<record::Record> record = record::ParseRecord(entry.body, {});
    if (!record) {
      env_.metrics.damaged.Increment();
      read_failed_.Failed(log::Level::kError, "a record of the queue cannot be read",
                          record.error(), {{"sequence", entry.sequence}});
      continue;
    }
    records.push_back({.sequence = entry.sequence,
                       .age = entry.age,
                       .record = std::make_shared<const record::Record>(*std::move(record))});
  }
  return MakeGroup(after, entries.back().sequence, std::move(records));
}

}  // namespace postern::store
