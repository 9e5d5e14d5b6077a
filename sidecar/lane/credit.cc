#include "sidecar/lane/credit.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "lib/base/check.h"

namespace postern::lane {
namespace {

// docs/link-protocol.md: a window of 4 MiB fills 100 Mbit/s at 300 ms; one record may need more.
constexpr std::uint64_t kPoliteWindow = 4 * 1024 * 1024;

}  // namespace

CreditGrantor::CreditGrantor(record::MemoryBudget& budget, const Options& options,
                             std::function<void()> on_growth)
    : budget_(budget),
      largest_(options.largest),
      room_(options.room),
      on_growth_(std::move(on_growth)),
      standing_(budget.TakeStanding(options.standing)),
      granted_(standing_),
      window_(standing_),
      told_(standing_) {}

CreditGrantor::~CreditGrantor() {
  budget_.StopWaiting(*this);
  budget_.EndStanding(standing_);
  budget_.Give(granted_ - released_);
}

void CreditGrantor::Want(const Credit& wanted) {
  // What is given back counts as received and done with; it cannot exceed what is unused.
  const std::uint64_t returned = std::min(wanted.returned, unused());
  received_ += returned;
  if (returned > 0 && waiting_for_ > 0) {
    // It gives back what is too little for it: it takes its place anew, for the whole. Else several
    // links could each hold a part of what the others need, for ever.
    waiting_for_ = 0;
    budget_.StopWaiting(*this);
  } else if (returned > 0) {
    window_ = standing_;
    wanted_ = 0;
  }
  wanted_ = std::max(wanted_, wanted.total);
  const std::uint64_t base = released_ + returned;
  if (wanted.total > base) {
    window_ = std::max(window_, std::min(wanted.total - base, largest_));
  }
  if (returned > 0) return Release(returned);
  Grow();
}

bool CreditGrantor::Receive(std::uint64_t bytes) {
  if (bytes > unused()) return false;
  received_ += bytes;
  return true;
}

void CreditGrantor::Release(std::uint64_t bytes) {
  CHECK(released_ + bytes <= received_, "only what was received is released");
  released_ += bytes;
  budget_.Give(bytes);
  Grow();
}

void CreditGrantor::Grow() {
  const std::uint64_t most = room_ ? std::max(standing_, room_()) : window_;
  const std::uint64_t wanted = released_ + std::min(window_, most);
  if (waiting_for_ > 0 || wanted <= granted_) return;
  if (budget_.TryTake(wanted - granted_)) {
    granted_ = wanted;
    return;
  }
  waiting_for_ = wanted - granted_;
  budget_.Wait(waiting_for_, *this);
}

void CreditGrantor::OnGranted() {
  granted_ += std::exchange(waiting_for_, 0);
  Grow();  // more may have been wanted meanwhile
  on_growth_();
}

std::optional<std::uint64_t> CreditGrantor::Due() {
  const bool much = granted_ - told_ >= window_ / 4;
  const bool asked = told_ < wanted_;
  const bool starving = received_ >= told_;
  if (granted_ == told_ || !(much || asked || starving)) return std::nullopt;
  told_ = granted_;
  return told_;
}

void CreditSpender::Spend(std::uint64_t bytes) {
  CHECK(bytes <= available(), "records are sent within the credit");
  spent_ += bytes;
}

void CreditSpender::Grant(std::uint64_t total) { total_ = std::max(total_, total); }

std::optional<Credit> CreditSpender::Ask(std::uint64_t pending, std::uint64_t next) {
  const std::uint64_t needed = std::max(next, std::min(pending, kPoliteWindow));
  if (spent_ + needed <= std::max(total_, asked_)) return std::nullopt;
  // Rounded up, so that a queue that grows record by record asks a few times, not each time.
  asked_ = spent_ + std::bit_ceil(needed);
  return Credit{.total = asked_, .returned = 0};
}

std::optional<Credit> CreditSpender::Return() {
  asked_ = 0;
  if (available() <= standing_) return std::nullopt;
  const std::uint64_t returned = available() - standing_;
  spent_ += returned;
  return Credit{.total = 0, .returned = returned};
}

}  // namespace postern::lane
