#include "sidecar/link/link_server.h"

#include <algorithm>
#include <utility>

#include "lib/pki/event.h"

namespace postern::link {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;

namespace {

// How long a link under our former leaf may stay after its child was asked to move.
constexpr base::Duration kOverlap = std::chrono::seconds(60);

}  // namespace

LinkServer::LinkServer(LinkEnv& env, const LinkOptions& options, net::Fd socket,
                       trust::IdentityPtr identity, const Inside& inside)
    : env_(env),
      options_(options),
      identity_(std::move(identity)),
      path_({options.host}),
      inside_(inside),
      listener_(
          env.loop, std::move(socket), net::Intake::Limits{},
          [this](net::Fd accepted, const net::SocketAddress& peer, net::Intake::Pass pass) {
            OnSocket(std::move(accepted), peer, std::move(pass));
          },
          [this] { env_.metrics.turned_away.Increment(); }) {}

LinkServer::~LinkServer() { links_.clear(); }

void LinkServer::OnSocket(net::Fd socket, const net::SocketAddress& peer, net::Intake::Pass pass) {
  auto link = std::make_unique<ChildLink>(env_, options_, static_cast<ChildLinkHost&>(*this),
                                          std::move(socket), peer.text(), std::move(pass));
  ChildLink& started = *link;
  links_.emplace(&started, std::move(link));
  env_.metrics.children.Set(static_cast<double>(links_.size()));
  started.Start();
}

Result<pki::PeerIdentity> LinkServer::Judge(const std::vector<pki::Certificate>& chain) {
  return inside_.admission.Judge(chain, *identity_, env_.loop.clock().WallNow());
}

StoreIntake& LinkServer::FindStore(const std::string& host, const record::StoreId& store) {
  std::unique_ptr<StoreIntake>& intake = stores_[{host, store}];
  if (intake == nullptr) {
    intake = std::make_unique<StoreIntake>(env_.loop, inside_.store,
                                           store::Sender{.member = host, .store = store});
  }
  return *intake;
}

// What is known of a store is in the log: an intake is there for as long as it has work.
void LinkServer::ForgetStores(const std::string& host) {
  auto at = stores_.lower_bound({host, {}});
  while (at != stores_.end() && at->first.first == host) {
    at = at->second->in_use() ? std::next(at) : stores_.erase(at);
  }
}

lane::PeerState LinkServer::state() const {
  if (draining_) return lane::PeerState::kDraining;
  if (inside_.store.failed()) return lane::PeerState::kStoreFailed;
  return inside_.budget.waiting() > 0 ? lane::PeerState::kFull : lane::PeerState::kAccepting;
}

void LinkServer::SetIdentity(trust::IdentityPtr identity) {
  const bool new_leaf = identity->serial != identity_->serial;
  identity_ = std::move(identity);
  for (const auto& [raw, link] : links_) link->Recheck();
  if (!new_leaf) return;
  for (const auto& [raw, link] : links_) link->AskToDrain(kOverlap);
}

void LinkServer::SetPathAbove(const std::vector<std::string>& hosts) {
  path_.resize(1);
  const std::size_t most = std::min(hosts.size(), lane::kMaxPath - 1);
  path_.insert(path_.end(), hosts.begin(), hosts.begin() + static_cast<std::ptrdiff_t>(most));
  for (const auto& [raw, link] : links_) link->TellPath();
}

void LinkServer::Drain(base::Duration grace) {
  draining_ = true;
  listener_.Stop();
  for (const auto& [raw, link] : links_) link->AskToDrain(grace);
}

void LinkServer::Stop() {
  listener_.Stop();
  for (const auto& [raw, link] : links_) link->Close(Fail(Code::kUnavailable, "this relay stops"));
}

std::size_t LinkServer::unanswered() const {
  std::size_t count = 0;
  for (const auto& [raw, link] : links_) count += link->unanswered();
  for (const auto& [key, store] : stores_) count += store->size();
  return count;
}

void LinkServer::OnOver(ChildLink& link, const Error& why) {
  const bool refused = why.code() == Code::kDenied || why.code() == Code::kExpired;
  if (refused) env_.metrics.refused.Increment();
  const log::Level level = refused ? log::Level::kWarn : log::Level::kInfo;
  env_.log.Failed(level, "child's link ended", why,
                  {{"child", link.child()}, {"address", link.address()}});
  // From a task: the link is still on the call stack.
  env_.loop.Defer([this, over = &link, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    const auto ended = links_.extract(over);
    ForgetStores(over->child());
    env_.metrics.children.Set(static_cast<double>(links_.size()));
  });
}

}  // namespace postern::link
