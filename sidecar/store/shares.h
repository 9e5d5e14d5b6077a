// Shares: how much of a queue each child holds, and who has to wait until it holds less.
//
// Members are children by name; all own clients together are one, "". Below half of the queue
// nobody is limited. Above it who holds as much as its share (all there is, divided by the active
// members) adds nothing: who is below goes on. Active is who holds something, or came within a
// minute. A share may be overrun by one record, so that no record is too large for it.
//
//   if (shares.MayAdd("gw1.example", log.bytes(), log.age())) …
//   shares.Append("gw1.example", sequence, bytes);
//   shares.Sync(through) / shares.FallBack();    // what was appended is kept, or none of it is
//   shares.Pass(floor);                          // nobody needs what is at or below: given back
//
// Given back is what lies in one span of records, a thousandth of the queue, at once. What the
// queue held before it was opened belongs to nobody.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

namespace postern::store {

class Shares {
 public:
  static constexpr std::uint64_t kActiveFor = 60'000;  // ms since it came last
  static constexpr std::size_t kMostEntries = 65'536;  // of spans, for each member of each

  explicit Shares(std::uint64_t max_bytes) : max_bytes_(max_bytes), span_bytes_(Spacing()) {}

  // Notes that the member came, and tells whether it may add a record. `used` bytes are taken of
  // the queue; `age` is now, in ms.
  bool MayAdd(const std::string& member, std::uint64_t used, std::uint64_t age);
  // About how many bytes it may have on their way. No bound where it holds nothing.
  std::uint64_t RoomFor(const std::string& member, std::uint64_t used) const;
  // How many members are at their share or above.
  std::size_t Over(std::uint64_t used) const;

  // A member's record was appended, with the highest sequence so far.
  void Append(const std::string& member, std::uint64_t sequence, std::uint64_t bytes);
  // The last one was not, after all.
  void TakeBack();
  void Sync(std::uint64_t through);
  // What was appended and not synced is refused.
  void FallBack();
  void Pass(std::uint64_t floor);
  // Forgets who is not active. To be called now and then: it looks at everybody.
  void Forget(std::uint64_t age);

  std::uint64_t BytesOf(const std::string& member) const;
  std::size_t active() const { return members_.size(); }
  std::size_t entries() const { return entries_; }

 private:
  struct Member {
    std::uint64_t bytes = 0;
    std::uint64_t came = 0;  // age
  };
  struct Pending {
    std::uint64_t sequence = 0;
    Member* member = nullptr;
    std::uint64_t bytes = 0;
  };
  struct Span {
    std::uint64_t through = 0;
    std::uint64_t bytes = 0;
    std::unordered_map<Member*, std::uint64_t> of;
  };

  std::uint64_t Spacing() const { return max_bytes_ / 1024 + 1; }
  bool Limits(std::uint64_t used) const { return used > max_bytes_ / 2; }
  std::uint64_t share() const { return max_bytes_ / (members_.empty() ? 1 : members_.size()); }
  Member& Find(const std::string& member);
  void JoinNeighbours();

  const std::uint64_t max_bytes_;
  std::uint64_t span_bytes_;
  std::unordered_map<std::string, Member> members_;       // others point to them: erased at 0 bytes
  std::pair<const std::string, Member>* last_ = nullptr;  // that Find found
  std::deque<Pending> pending_;
  std::deque<Span> spans_;
  std::size_t entries_ = 0;
};

}  // namespace postern::store
