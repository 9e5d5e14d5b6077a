// LinkServer: the port on which children link to this relay.
//
// Takes sockets in (counted before TLS), keeps their links, remembers what came of each store so
// that a child that returns is told its mark, and passes records to the relay's sink.
//
// Threads: loop.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/net/listener.h"
#include "sidecar/link/child_link.h"
#include "sidecar/trust/admission.h"

namespace postern::link {

class LinkServer final : private ChildLinkHost {
 public:
  // What of the relay lies behind the port.
  struct Inside {
    trust::Admission& admission;
    record::Sink& sink;
    record::MemoryBudget& budget;
    store::Store& store;
  };

  // `socket` listens already. Everything referred to outlives the server.
  LinkServer(LinkEnv& env, const LinkOptions& options, net::Fd socket, trust::IdentityPtr identity,
             const Inside& inside);
  ~LinkServer();

  const net::SocketAddress& address() const { return listener_.address(); }

  // A new leaf or new roots. Links whose peer is no longer believed are cut now; the others are
  // asked to move to a link under the new leaf, and end when they have.
  void SetIdentity(trust::IdentityPtr identity);
  // The hosts above this relay, its parent first: told to every child, which may find itself there.
  void SetPathAbove(const std::vector<std::string>& hosts);
  // Takes no more sockets and asks every child to move on.
  void Drain(base::Duration grace);
  // Closes every link that is left.
  void Stop();

  std::size_t links() const { return links_.size(); }
  // Records of children that are neither synced here nor answered by the end.
  std::size_t unanswered() const;

 private:
  base::Result<pki::PeerIdentity> Judge(const std::vector<pki::Certificate>& chain) override;
  const trust::Identity& identity() const override { return *identity_; }
  const std::vector<std::string>& path() const override { return path_; }
  StoreIntake& FindStore(const std::string& host, const record::StoreId& store) override;
  record::Sink& sink() override { return inside_.sink; }
  store::Store& store() override { return inside_.store; }
  record::MemoryBudget& budget() override { return inside_.budget; }
  lane::PeerState state() const override;
  void OnOver(ChildLink& link, const base::Error& why) override;

  void ForgetStores(const std::string& host);
  void OnSocket(net::Fd socket, const net::SocketAddress& peer, net::Intake::Pass pass);

  LinkEnv& env_;
  const LinkOptions& options_;
  trust::IdentityPtr identity_;
  std::vector<std::string> path_;  // this relay's host, then those above it
  const Inside inside_;
  bool draining_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<std::pair<std::string, record::StoreId>, std::unique_ptr<StoreIntake>> stores_;
  net::Listener listener_;
  std::unordered_map<ChildLink*, std::unique_ptr<ChildLink>> links_;  // hold passes of listener_
};

}  // namespace postern::link
