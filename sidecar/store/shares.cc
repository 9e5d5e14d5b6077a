#include "sidecar/store/shares.h"

#include <algorithm>
#include <limits>

namespace postern::store {

bool Shares::MayAdd(const std::string& member, std::uint64_t used, std::uint64_t age) {
  Member& found = Find(member);
  found.came = age;
  return !Limits(used) || found.bytes < share();
}

std::uint64_t Shares::RoomFor(const std::string& member, std::uint64_t used) const {
  const std::uint64_t held = BytesOf(member);
  if (held == 0 || !Limits(used)) return std::numeric_limits<std::uint64_t>::max();
  return share() - std::min(share(), held);
}

std::size_t Shares::Over(std::uint64_t used) const {
  if (!Limits(used)) return 0;
  return static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(),
                    [this](const auto& member) { return member.second.bytes >= share(); }));
}

void Shares::Append(const std::string& member, std::uint64_t sequence, std::uint64_t bytes) {
  Member& found = Find(member);
  found.bytes += bytes;
  pending_.push_back({.sequence = sequence, .member = &found, .bytes = bytes});
}

void Shares::Sync(std::uint64_t through) {
  for (; !pending_.empty() && pending_.front().sequence <= through; pending_.pop_front()) {
    const Pending& one = pending_.front();
    if (spans_.empty() || spans_.back().bytes >= span_bytes_) spans_.emplace_back();
    Span& span = spans_.back();
    span.through = one.sequence;
    span.bytes += one.bytes;
    const auto [entry, added] = span.of.try_emplace(one.member, 0);
    entry->second += one.bytes;
    if (added) ++entries_;
  }
  if (entries_ > kMostEntries) JoinNeighbours();
}

void Shares::TakeBack() {
  pending_.back().member->bytes -= pending_.back().bytes;
  pending_.pop_back();
}

void Shares::FallBack() {
  for (const Pending& one : pending_) one.member->bytes -= one.bytes;
  pending_.clear();
}

void Shares::Pass(std::uint64_t floor) {
  for (; !spans_.empty() && spans_.front().through <= floor; spans_.pop_front()) {
    for (const auto& [member, bytes] : spans_.front().of) member->bytes -= bytes;
    entries_ -= spans_.front().of.size();
  }
  if (spans_.empty()) span_bytes_ = Spacing();
}

// Records come in runs of one member.
Shares::Member& Shares::Find(const std::string& member) {
  if (last_ == nullptr || last_->first != member) last_ = &*members_.try_emplace(member).first;
  return last_->second;
}

void Shares::Forget(std::uint64_t age) {
  last_ = nullptr;
  std::erase_if(members_, [age](const auto& member) {
    return member.second.bytes == 0 && age - member.second.came >= kActiveFor;
  });
}

std::uint64_t Shares::BytesOf(const std::string& member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? 0 : found->second.bytes;
}

// From now on spans are as long as those that are there.
void Shares::JoinNeighbours() {
  span_bytes_ *= 2;
  std::deque<Span> joined;
  entries_ = 0;
  for (std::size_t at = 0; at < spans_.size(); ++at) {
    if (at % 2 == 0) {
      joined.push_back(std::move(spans_[at]));
    } else {
      Span& into = joined.back();
      into.through = spans_[at].through;
      into.bytes += spans_[at].bytes;
      for (const auto& [member, bytes] : spans_[at].of) into.of[member] += bytes;
    }
  }
  for (const Span& span : joined) entries_ += span.of.size();
  spans_ = std::move(joined);
}

}  // namespace postern::store
