// ParentLink: one link to a parent, from dialling to its end. The child's half of the protocol.
//
//   Dialling → TLS → parent verified → Hello → Welcome ─→ carrying ─→ retired ─→ over
//                                                 └───────────────────────────↗
//
// A link that carries takes records from the outbox; a retired one only waits for the answers to
// what it sent, so that its successor can carry already. docs/link-protocol.md has the rules.
//
// Threads: loop.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/loop.h"
#include "lib/http2/transport.h"
#include "lib/net/dial.h"
#include "sidecar/lane/stream.h"
#include "sidecar/link/feed.h"
#include "sidecar/link/link_env.h"
#include "sidecar/link/outbox.h"
#include "sidecar/link/silence.h"
#include "sidecar/trust/identity.h"

namespace postern::link {

// Where a parent is and who it must prove to be.
struct ParentAddress {
  std::string name;
  std::string host;
  std::vector<net::HostPort> addresses;
};

class ParentLink final : private lane::LaneUser {
 public:
  class Observer {
   public:
    virtual void OnWelcome(ParentLink& link) = 0;
    // Its path has changed.
    virtual void OnPath(ParentLink& link) = 0;
    // The parent asks its children to move on.
    virtual void OnDrainAsked(ParentLink& link) = 0;
    // The last call. What was not answered is back in the outbox. Destroy the link after it.
    virtual void OnOver(ParentLink& link, const base::Error& why) = 0;

   protected:
    ~Observer() = default;
  };

  // Starts dialling. Everything referred to outlives the link.
  ParentLink(LinkEnv& env, const LinkOptions& options, const ParentAddress& parent,
             trust::IdentityPtr identity, Outbox& outbox, Observer& observer);
  ~ParentLink();

  // Takes records from the outbox from now on. Requires welcomed().
  void Carry();
  // Takes no more; ends once everything sent is answered, at the latest after `grace`.
  void Retire(base::Duration grace);
  void Close(const base::Error& why);
  // The outbox has something new.
  void Wake();
  // Judges the parent again under new trust and closes the link where it fails.
  void Recheck(const trust::Identity& identity);

  bool welcomed() const { return welcomed_; }
  bool carrying() const { return carrying_; }
  lane::PeerState parent_state() const { return parent_state_; }
  // Hosts above, the parent first. Empty before Welcome.
  const std::vector<std::string>& path() const { return path_; }
  base::Duration rtt() const { return silence_.srtt(); }
  const ParentAddress& parent() const { return parent_; }

 private:
  void OnConnected(base::Result<net::Fd> socket);
  void OnOpen();
  void OpenLanes();
  void OnTransportClosed(const base::Error& why);
  void End(const base::Error& why);

  void OnLaneAsked(lane::LaneStream& stream) override;
  base::Status OnFrame(lane::LaneStream& stream, lane::Frame frame) override;
  void OnRoom(lane::LaneStream& stream) override;
  void OnLaneOver(lane::LaneStream& stream, const base::Error& why) override;

  base::Status OnWelcome(const lane::Welcome& welcome);
  base::Status OnPath(std::vector<std::string> path);
  bool ShouldCompress() const;
  void SendControl(const lane::Frame& frame);
  base::Status JudgeParent(const trust::Identity& identity);
  void Tick();
  void CloseIfDone();
  lane::LaneStream* stream(lane::Lane which) { return lanes_[static_cast<std::size_t>(which)]; }

  LinkEnv& env_;
  const LinkOptions& options_;
  const ParentAddress& parent_;
  trust::IdentityPtr identity_;
  Outbox& outbox_;
  Observer& observer_;

  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<http2::Transport> transport_;
  std::array<lane::LaneStream*, 3> lanes_{};
  base::Timer bound_;  // on connecting, TLS and Hello together; later on retirement
  base::Timer tick_;
  SilenceJudge silence_;
  std::optional<Feed> feed_;  // from Welcome on
  std::vector<std::string> path_;
  base::WallTime parent_not_after_;
  lane::PeerState parent_state_ = lane::PeerState::kAccepting;
  base::Instant last_sent_;
  std::uint64_t sent_before_tick_ = 0;  // by the feed
  bool light_ = true;                   // little went over the link in the last tick
  std::optional<base::Error> reason_;   // why we closed, where we did
  bool welcomed_ = false;
  bool carrying_ = false;
  bool retired_ = false;
  bool closing_ = false;
  bool transport_closed_ = false;
  bool over_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::link
