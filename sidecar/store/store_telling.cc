// What Store tells people: lines of the log, and figures once a second.
#include <chrono>

#include "sidecar/store/store.h"

namespace postern::store {

namespace {

constexpr base::Duration kFullFor = std::chrono::seconds(10);  // after the last refusal

}  // namespace

void Store::Tell(const queue::OpenReport& report) {
  env_.log.Info("queue opened", {{"folder", options_.folder},
                                 {"bytes", log_->bytes()},
                                 {"segments", log_->segments()},
                                 {"new_store", report.new_store}});
  for (const queue::Damage& damage : report.damages) OnDamage(damage);
  if (report.lost_checkpoint || report.lost_cursors) {
    env_.log.Warn("queue lost a file: some records may be passed on again",
                  {{"folder", options_.folder},
                   {"checkpoint", report.lost_checkpoint},
                   {"cursors", report.lost_cursors}});
  }
}

void Store::OnDamage(const queue::Damage& damage) {
  if (damage.known) return;  // counted at an earlier opening
  env_.metrics.damaged.Increment();
  env_.log.Error("queue is damaged", {{"folder", options_.folder},
                                      {"position", damage.from},
                                      {"bytes", damage.to - damage.from},
                                      {"after", damage.after},
                                      {"before", damage.before}});
  // How many records it held is what nobody can read any more.
  const std::uint64_t through = damage.before == 0 ? damage.after : damage.before - 1;
  (void)log_->Note(queue::Reason::kDamaged, "", damage.after, through, 0, damage.to - damage.from);
}

void Store::Measure() {
  const base::Instant now = env_.loop.clock().Now();
  const std::uint64_t floor = log_->cursors().floor();
  holdings_.Pass(floor);
  shares_.Pass(floor);
  shares_.Forget(log_->age());
  env_.metrics.over_share.Set(static_cast<double>(shares_.Over(log_->bytes())));
  const std::optional<std::uint64_t> oldest = holdings_.OldestAge(floor);
  const std::chrono::milliseconds age(oldest ? log_->age() - *oldest : 0);
  env_.metrics.oldest_age_seconds.Set(std::chrono::duration<double>(age).count());
  forecast_.Look(now, log_->NeededBytes());
  const bool full = full_at_ && now - *full_at_ < kFullFor;
  env_.metrics.full_in_seconds.Set(full ? 0 : forecast_.SecondsToFull(log_->FreeBytes()));
}

}  // namespace postern::store
