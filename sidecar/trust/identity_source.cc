#include "sidecar/trust/identity_source.h"

#include <sys/stat.h>

#include <utility>

namespace postern::trust {
namespace {

constexpr base::Duration kLookEvery = std::chrono::milliseconds(500);
// A certificate whose time has not come is good one day, without anybody touching its file.
constexpr base::Duration kRetryEvery = std::chrono::minutes(1);

bool SaysTheSame(const Identity& a, const Identity& b) {
  return a.serial == b.serial && a.trust.roots == b.trust.roots;
}

}  // namespace

IdentitySource::IdentitySource(base::Loop& loop, IdentityFiles files, IdentityPtr first,
                               Hooks hooks)
    : loop_(loop),
      files_(std::move(files)),
      current_(std::move(first)),
      hooks_(std::move(hooks)),
      generation_(current_->generation) {
  timer_ = loop_.PostAfter(kLookEvery, [this] { Check(); });
}

IdentitySource::Stamps IdentitySource::Look() const {
  Stamps stamps;
  const std::array<const std::string*, 3> paths = {&files_.chain, &files_.key, &files_.roots};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    struct stat file {};
    if (stat(paths[i]->c_str(), &file) != 0) continue;
    stamps[i] = {.inode = file.st_ino,
                 .size = static_cast<std::uint64_t>(file.st_size),
                 .modified_ns = file.st_mtim.tv_sec * 1'000'000'000 + file.st_mtim.tv_nsec};
  }
  return stamps;
}

void IdentitySource::Check() {
  timer_ = loop_.PostAfter(kLookEvery, [this] { Check(); });
  const Stamps now = Look();
  const bool changed = now != seen_;
  const bool due = !refused_.empty() && loop_.clock().Now() >= retry_;
  if (!changed && !due) return;
  seen_ = now;
  base::Result<IdentityPtr> next =
      LoadIdentity(files_, current_->host, generation_ + 1, loop_.clock().WallNow());
  if (!next) return Refuse(next.error());
  refused_.clear();
  if (SaysTheSame(**next, *current_)) return;
  ++generation_;
  current_ = *std::move(next);
  hooks_.on_change(current_);
}

void IdentitySource::Refuse(const base::Error& why) {
  retry_ = loop_.clock().Now() + kRetryEvery;
  if (why.message() == refused_) return;
  refused_ = why.message();
  hooks_.on_refused(why);
}

}  // namespace postern::trust
