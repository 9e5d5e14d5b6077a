#include "sidecar/link/uplink.h"

#include <algorithm>
#include <random>
#include <utility>

#include "lib/pki/event.h"

namespace postern::link {

using base::Code;
using base::Error;
using base::Fail;

namespace {

constexpr base::Duration kRetireGrace = std::chrono::seconds(30);
// A link that lived as long was one; sooner, the next redial waits as after a failure.
constexpr base::Duration kWorked = std::chrono::seconds(1);
constexpr base::Duration kExpireEvery = std::chrono::milliseconds(250);

}  // namespace

Uplink::Uplink(LinkEnv& env, const LinkOptions& options, std::vector<ParentAddress> parents,
               trust::IdentityPtr identity, Outbox& outbox)
    : env_(env),
      options_(options),
      parents_(std::move(parents)),
      identity_(std::move(identity)),
      outbox_(outbox),
      backoff_({.first = std::chrono::milliseconds(100), .most = std::chrono::seconds(5)},
               std::random_device{}()) {
  outbox_.live.OnPush([this] {
    if (current_) current_->Wake();
  });
  outbox_.stored.OnReady([this] {
    if (current_) current_->Wake();
  });
}

Uplink::~Uplink() { stopped_ = true; }

void Uplink::Start() {
  DialNext();
  expire_ = env_.loop.PostAfter(kExpireEvery, [this] { Expire(); });
}

void Uplink::Expire() {
  expire_ = env_.loop.PostAfter(kExpireEvery, [this] { Expire(); });
  outbox_.live.Expire(env_.loop.clock().Now());
}

void Uplink::DialNext() {
  if (next_ != nullptr || stopped_) return;
  next_ = std::make_unique<ParentLink>(env_, options_, parents_[turn_], identity_, outbox_,
                                       static_cast<ParentLink::Observer&>(*this));
}

void Uplink::SetIdentity(trust::IdentityPtr identity) {
  identity_ = std::move(identity);
  // A link that is still being made shows the old leaf: it would only have to be replaced again.
  if (next_ != nullptr) next_->Close(Fail(Code::kCancelled, "a new certificate was loaded"));
  for (const auto& link : retired_) link->Recheck(*identity_);
  if (current_ != nullptr) current_->Recheck(*identity_);
  ReplaceCurrent();
}

void Uplink::ReplaceCurrent() {
  if (current_ != nullptr) DialNext();
}

void Uplink::Stop() {
  stopped_ = true;
  redial_.Cancel();
  const Error why = Fail(Code::kUnavailable, "this relay stops");
  if (next_) next_->Close(why);
  if (current_) current_->Close(why);
  for (const auto& link : retired_) link->Close(why);
}

void Uplink::OnWelcome(ParentLink& link) {
  if (&link != next_.get()) return;
  const bool returned = current_ == nullptr;
  if (current_ != nullptr) {
    current_->Retire(kRetireGrace);
    retired_.push_back(std::move(current_));
  }
  current_ = std::move(next_);
  linked_at_ = env_.loop.clock().Now();
  trouble_.clear();
  env_.metrics.connected.Set(1);
  env_.log.Info(
      "linked to parent",
      {{"parent", link.parent().name}, {"host", link.parent().host}, {"replaced", !returned}});
  OnPath(*current_);
  current_->Carry();
}

void Uplink::OnPath(ParentLink& link) {
  if (&link != current_.get() || link.path() == path_) return;
  path_ = link.path();
  on_path_(path_);
}

void Uplink::OnDrainAsked(ParentLink& link) {
  if (&link == current_.get()) ReplaceCurrent();
}

void Uplink::OnOver(ParentLink& link, const Error& why) {
  const bool was_current = &link == current_.get();
  const bool was_next = &link == next_.get();
  std::unique_ptr<ParentLink> gone;
  if (was_current) {
    gone = std::move(current_);
  } else if (was_next) {
    gone = std::move(next_);
  } else {
    const auto found = std::find_if(retired_.begin(), retired_.end(),
                                    [&link](const auto& kept) { return kept.get() == &link; });
    gone = std::move(*found);
    retired_.erase(found);
  }
  // From a task: the link is still on the call stack. Shared, as std::function must be copyable.
  env_.loop.Defer([kept = std::shared_ptr<ParentLink>(std::move(gone))] {});
  if (current_ == nullptr && retired_.empty()) outbox_.stored.GoBack();
  if (stopped_) return;
  if (!was_current && !was_next) return;
  if (current_ == nullptr) Tell(why);
  // A parent that drains may take nobody in any more: its successor is another one.
  const bool leaving =
      current_ == nullptr || current_->parent_state() == lane::PeerState::kDraining;
  if (was_next && leaving) turn_ = (turn_ + 1) % parents_.size();
  // At once after a link that worked: the parent may only have been restarted. Then ever slower.
  const bool worked = was_current && env_.loop.clock().Now() - linked_at_ >= kWorked;
  if (worked) backoff_.Reset();
  const base::Duration wait = worked ? base::Duration::zero() : backoff_.Next();
  redial_ = env_.loop.PostAfter(wait, [this] { DialNext(); });
}

void Uplink::Tell(const Error& why) {
  env_.metrics.connected.Set(0);
  if (why.message() == trouble_) return;  // the same failure again is not news
  trouble_ = why.message();
  env_.log.Failed(log::Level::kWarn, "no link to a parent", why);
}

}  // namespace postern::link
