// Credit: how many bytes of records may be on their way over a link, so that a parent's memory is
// taken before it is filled.
//
//   child                                   parent
//   CreditSpender                           CreditGrantor
//     Credit{I would use up to total}  →      takes from the budget, in line with everybody
//                                      ←    Credit{you may use up to total}
//     Batch (raw size)                 →      Receive: beyond what was granted ends the link
//                                      ←    Ack … Release: the window slides on
//     Credit{returned}                 →      after a pause: what an idle link does not need
//
// An idle link holds its standing credit only. The grantor takes from the budget and gives back;
// neither sends anything, the link does.
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "sidecar/lane/frame.h"
#include "sidecar/record/memory_budget.h"

namespace postern::lane {

// The parent's side of one link.
class CreditGrantor final : private record::MemoryBudget::Waiter {
 public:
  struct Options {
    std::uint64_t standing = 16 * 1024;  // granted without asking; less where links are many
    // The window however much is wanted: one largest record. No link gets stuck while it is at most
    // three quarters of the budget, see MemoryBudget::TakeStanding.
    std::uint64_t largest = 17 * 1024 * 1024;
    // How many bytes may be on their way now, beside the standing credit, whatever the budget has;
    // none: no bound. See Retry.
    std::function<std::uint64_t()> room = {};
  };

  // `on_growth` is called when waiting bytes were granted: ask Due.
  CreditGrantor(record::MemoryBudget& budget, const Options& options,
                std::function<void()> on_growth);
  ~CreditGrantor();

  // The child asks. Grants what can be granted now; the rest comes by `on_growth`.
  void Want(const Credit& wanted);
  // A batch came. False where it goes beyond what was granted: the peer broke the protocol.
  [[nodiscard]] bool Receive(std::uint64_t bytes);
  // There may be more room than there was: ask Due.
  void Retry() { Grow(); }
  // Records of that size were passed on, or kept elsewhere.
  void Release(std::uint64_t bytes);

  // What the child may use, in all, since the link was opened.
  std::uint64_t total() const { return granted_; }
  std::uint64_t unused() const { return granted_ - received_; }
  // Returns the total to send the child now, and counts it as told; nothing where there is no more
  // to tell or that is not worth a frame. It is worth one when the child asked for more than it was
  // told, when that is a quarter of the window more, or when all that it was told of is used.
  std::optional<std::uint64_t> Due();

 private:
  void OnGranted() override;
  void Grow();

  record::MemoryBudget& budget_;
  const std::uint64_t largest_;
  const std::function<std::uint64_t()> room_;
  std::function<void()> on_growth_;
  const std::uint64_t standing_;
  std::uint64_t granted_;
  std::uint64_t received_ = 0;
  std::uint64_t released_ = 0;
  std::uint64_t window_;
  std::uint64_t told_;
  std::uint64_t wanted_ = 0;  // the highest total that the child asked for
  std::uint64_t waiting_for_ = 0;
};

// The child's side of one link.
class CreditSpender {
 public:
  explicit CreditSpender(std::uint64_t standing) : standing_(standing), total_(standing) {}

  std::uint64_t available() const { return total_ - spent_; }
  // Requires available() >= bytes.
  void Spend(std::uint64_t bytes);
  void Grant(std::uint64_t total);
  // `pending` bytes wait to be sent, the first batch of them takes `next`. Returns the frame to
  // send where that is more than was granted and asked for.
  std::optional<Credit> Ask(std::uint64_t pending, std::uint64_t next);
  // Nothing was sent for a while: gives back all but the standing credit.
  std::optional<Credit> Return();

 private:
  std::uint64_t standing_;
  std::uint64_t total_;
  std::uint64_t spent_ = 0;
  std::uint64_t asked_ = 0;
};

}  // namespace postern::lane
