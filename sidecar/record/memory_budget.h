// MemoryBudget: the bytes of bodies that a relay holds, counted in one place and handed out in
// order.
//
// A body is read only after its bytes were taken here. Who cannot have them waits in line, and the
// line is never overtaken: a large body cannot starve behind small ones.
//
//   if (!budget.TryTake(size)) budget.Wait(size, *this);   // OnGranted comes once they are mine
//   …
//   budget.Give(size);
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <list>

namespace postern::record {

class MemoryBudget {
 public:
  class Waiter {
   public:
    // The bytes asked for are taken. May call anything of the budget.
    virtual void OnGranted() = 0;

   protected:
    ~Waiter() = default;
  };

  explicit MemoryBudget(std::uint64_t total) : total_(total) {}

  // Takes the bytes if nobody waits and they fit. A body larger than the whole budget gets in when
  // it is alone: it could never be had otherwise.
  bool TryTake(std::uint64_t bytes);
  // Takes bytes that are there already, such as a chunk that came with a header.
  void Force(std::uint64_t bytes) { used_ += bytes; }
  void Give(std::uint64_t bytes);
  // Takes up to `most` bytes for a link to hold as long as it stands, and returns how many. All
  // links together get a quarter of the budget this way: the rest comes free again by itself, so
  // that whoever waits for up to three quarters is served in the end.
  std::uint64_t TakeStanding(std::uint64_t most);
  // The link is gone: from now on its bytes are given back by Give.
  void EndStanding(std::uint64_t bytes) { standing_ -= bytes; }

  void Wait(std::uint64_t bytes, Waiter& waiter) { waiting_.push_back({bytes, &waiter}); }
  // Leaves the line; without effect where `waiter` is not in it.
  void StopWaiting(const Waiter& waiter);

  std::uint64_t total() const { return total_; }
  std::uint64_t used() const { return used_; }
  std::uint64_t free() const { return used_ < total_ ? total_ - used_ : 0; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Place {
    std::uint64_t bytes;
    Waiter* waiter;
  };
  bool Fits(std::uint64_t bytes) const { return used_ == 0 || used_ + bytes <= total_; }
  void Serve();

  std::uint64_t total_;
  std::uint64_t used_ = 0;
  std::uint64_t standing_ = 0;  // of used_
  std::list<Place> waiting_;
  bool serving_ = false;
};

}  // namespace postern::record
