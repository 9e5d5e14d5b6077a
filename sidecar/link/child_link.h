// ChildLink: one link from a child, from its TLS handshake to its end. The parent's half.
//
//   TLS → child judged → Hello → Welcome → frames … → over
//           └ refused: number and sentence in the stream, then closed
//
// Threads: loop.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/loop.h"
#include "lib/http2/transport.h"
#include "lib/net/intake.h"
#include "lib/pki/verify.h"
#include "sidecar/lane/batch.h"
#include "sidecar/lane/credit.h"
#include "sidecar/lane/stream.h"
#include "sidecar/link/link_env.h"
#include "sidecar/link/live_intake.h"
#include "sidecar/link/store_intake.h"
#include "sidecar/record/sink.h"
#include "sidecar/trust/identity.h"

namespace postern::link {

class ChildLink;

// What a link asks of the relay that took it in.
class ChildLinkHost {
 public:
  // Judges a peer; again for each new stream.
  virtual base::Result<pki::PeerIdentity> Judge(const std::vector<pki::Certificate>& chain) = 0;
  virtual const trust::Identity& identity() const = 0;
  // From this relay to the top.
  virtual const std::vector<std::string>& path() const = 0;
  // The intake of a child's store; it stays while a session is open.
  virtual StoreIntake& FindStore(const std::string& host, const record::StoreId& store) = 0;
  virtual record::Sink& sink() = 0;
  virtual store::Store& store() = 0;
  virtual record::MemoryBudget& budget() = 0;
  virtual lane::PeerState state() const = 0;
  // The last call of a link, which is destroyed after it from a task of the host's own.
  virtual void OnOver(ChildLink& link, const base::Error& why) = 0;

 protected:
  ~ChildLinkHost() = default;
};

class ChildLink final : private lane::LaneUser {
 public:
  ChildLink(LinkEnv& env, const LinkOptions& options, ChildLinkHost& host, net::Fd socket,
            std::string address, net::Intake::Pass pass);
  ~ChildLink();

  void Start();
  // The host's path has changed.
  void TellPath();
  // Asks the child to move on.
  void AskToDrain(base::Duration grace);
  // Judges the peer again (trust or time have changed) and closes the link where it fails.
  void Recheck();
  void Close(const base::Error& why);

  const std::string& address() const { return address_; }
  // Empty until the child is judged.
  const std::string& child() const { return peer_.host; }
  bool welcomed() const { return welcomed_; }
  std::size_t unanswered() const { return live_ ? live_->unanswered() : 0; }

 private:
  void OnOpen();
  void OnTransportClosed(const base::Error& why);

  void OnLaneAsked(lane::LaneStream& stream) override;
  base::Status OnFrame(lane::LaneStream& stream, lane::Frame frame) override;
  void OnRoom(lane::LaneStream& /*stream*/) override {}
  void OnLaneOver(lane::LaneStream& stream, const base::Error& why) override;

  void RefuseLane(lane::LaneStream& stream, const base::Error& told);
  base::Status CheckHello(const lane::Hello& hello) const;
  base::Status OnHello(const lane::Hello& hello);
  void SendWelcome(std::size_t history);
  base::Status OnBatch(lane::LaneStream& stream, const lane::Batch& batch);
  void ScheduleAnswers();
  void SendLive(const lane::LiveAck& ack);
  void FlushAck();
  void TellCredit();
  void UpdateBounds();
  void SendControl(const lane::Frame& frame);
  void Tick();
  base::Error Explain(const base::Error& refusal);
  lane::LaneStream* stream(lane::Lane which) { return lanes_[static_cast<std::size_t>(which)]; }

  LinkEnv& env_;
  const LinkOptions& options_;
  ChildLinkHost& host_;
  std::string address_;
  net::Intake::Pass pass_;
  pki::PeerIdentity peer_;
  std::optional<base::Error> refused_;
  std::unique_ptr<http2::Transport> transport_;
  std::array<lane::LaneStream*, 3> lanes_{};
  base::Timer bound_;  // on TLS and Hello together; on a refusal being read
  base::Timer tick_;
  std::optional<lane::CreditGrantor> credit_;
  std::optional<lane::BatchUnpacker> live_unpacker_;
  std::optional<lane::BatchUnpacker> data_unpacker_;
  std::optional<LiveIntake> live_;
  StoreIntake* store_ = nullptr;
  std::uint64_t session_ = 0;
  std::uint64_t ack_through_ = 0;
  std::uint64_t ack_told_ = 0;
  std::uint64_t held_ = 0;  // of the credit, by records that are not done
  bool welcomed_ = false;
  bool closing_ = false;
  bool flush_scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::link
