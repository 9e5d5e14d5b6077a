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

// A child makes up its stores: what is kept of them has a bound. Idle ones make room for new ones.
constexpr std::size_t kMostStores = 50'000;
// A relay without a queue on disk has a new store whenever it is started.
constexpr std::size_t kMostStoresOfAMember = 16;
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

Result<StoreIntake*> LinkServer::FindStore(const std::string& host, const record::StoreId& store) {
  const auto key = std::make_pair(host, store);
  const auto known = stores_.find(key);
  if (known != stores_.end()) return known->second.get();
  RETURN_IF_ERROR(MakeRoomFor(host));
  if (stores_.size() >= kMostStores) {
    std::erase_if(stores_, [](const auto& entry) {
      return entry.second->idle() && !entry.second->connected();
    });
  }
  if (stores_.size() >= kMostStores) {
    return Fail(Code::kExhausted,
                "too many stores are linked: at most " + std::to_string(kMostStores));
  }
  auto intake = std::make_unique<StoreIntake>(
      env_.loop, inside_.sink, [this](const record::Record& record, const record::Answer& answer) {
        env_.metrics.rejected.Increment();
        env_.log.Warn("record rejected", {{"signal", record::SignalName(record.signal)},
                                          {"member", record.origin.member},
                                          {"sequence", record.origin.sequence},
                                          {"why", answer.message}});
      });
  return stores_.emplace(key, std::move(intake)).first->second.get();
}

// One member must not make us forget the marks of the others: it only pushes out its own.
base::Status LinkServer::MakeRoomFor(const std::string& host) {
  std::size_t count = 0;
  auto oldest = stores_.end();
  for (auto store = stores_.lower_bound({host, {}});
       store != stores_.end() && store->first.first == host; ++store) {
    ++count;
    const StoreIntake& intake = *store->second;
    if (intake.connected() || !intake.idle()) continue;
    if (oldest == stores_.end() || intake.last_used() < oldest->second->last_used()) oldest = store;
  }
  if (count < kMostStoresOfAMember) return {};
  if (oldest == stores_.end()) {
    return Fail(Code::kExhausted, "too many stores of " + host + " are in use: at most " +
                                      std::to_string(kMostStoresOfAMember));
  }
  stores_.erase(oldest);
  return {};
}

lane::PeerState LinkServer::state() const {
  if (draining_) return lane::PeerState::kDraining;
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
    links_.erase(over);
    env_.metrics.children.Set(static_cast<double>(links_.size()));
  });
}

}  // namespace postern::link
