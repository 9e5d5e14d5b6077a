#include "sidecar/link/parent_link.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/pki/event.h"
#include "lib/pki/verify.h"

namespace postern::link {

using base::Code;
using base::Duration;
using base::Error;
using base::Fail;
using base::Status;
using std::chrono::milliseconds;

namespace {

// A link carries four streams, each with the same few headers: HPACK tables would only cost memory.
constexpr http2::Session::Options kSession = {
    .max_concurrent_streams = 0,
    .stream_window = (1U << 31U) - 1,  // credit bounds what is on its way, not HTTP/2
    .connection_window = (1U << 31U) - 1,
    .header_table = 0,
};
constexpr Duration kIdleBeforeReturn = std::chrono::seconds(1);
// `compression: Auto`. Above this share the CPU is the limit: zstd would only take from the
// records.
constexpr double kBusyForAuto = 0.6;
// Below this rate zstd costs next to nothing and spares the user's traffic; above it only a link
// that does not keep up is worth the work.
constexpr double kLightBytesPerSecond = 8 * 1024 * 1024;

}  // namespace

ParentLink::ParentLink(LinkEnv& env, const LinkOptions& options, const ParentAddress& parent,
                       trust::IdentityPtr identity, Outbox& outbox, Observer& observer)
    : env_(env),
      options_(options),
      parent_(parent),
      identity_(std::move(identity)),
      outbox_(outbox),
      observer_(observer),
      silence_(options.dead_after),
      last_sent_(env.loop.clock().Now()) {
  dial_ = std::make_unique<net::Dial>(
      env_.loop, env_.resolver, parent_.addresses, options_.connect_bound,
      [this](base::Result<net::Fd> socket) { OnConnected(std::move(socket)); });
  bound_ = env_.loop.PostAfter(options_.connect_bound, [this] {
    Close(Fail(Code::kTimeout, "connecting to parent " + parent_.name + ": no Welcome within " +
                                   std::to_string(options_.connect_bound / milliseconds(1)) + " ms")
              .As(pki::event::kConnectFailed));
  });
}

ParentLink::~ParentLink() {
  over_ = true;
  transport_.reset();  // its streams end here, while everything that they call still stands
}

// === becoming a link ===

void ParentLink::OnConnected(base::Result<net::Fd> socket) {
  if (!socket) return Close(socket.error().In("parent " + parent_.name));
  auto session = std::make_unique<http2::Session>(http2::Session::Role::kClient, kSession, nullptr);
  auto tls = std::make_unique<pki::TlsSession>(identity_->client, parent_.host);
  transport_ = std::make_unique<http2::Transport>(
      env_.loop, *std::move(socket), std::move(tls), env_.scratch, std::move(session),
      http2::Transport::Hooks{.on_open = [this] { OnOpen(); },
                              .on_closed = [this](const Error& why) { OnTransportClosed(why); }});
  transport_->Start();
}

void ParentLink::OnOpen() {
  // Nothing of ours has been sent over this connection: a false parent learns nothing.
  const Status parent = JudgeParent(*identity_);
  if (!parent) {
    transport_->Abandon(parent.error());
    return Close(parent.error());
  }
  OpenLanes();
}

Status ParentLink::JudgeParent(const trust::Identity& identity) {
  const base::Result<pki::PeerIdentity> parent =
      pki::VerifyPeer(transport_->connection().tls()->PeerChain(), identity.trust,
                      {.host = parent_.host}, env_.loop.clock().WallNow());
  if (!parent) return parent.error().In("parent " + parent_.name);
  parent_not_after_ = parent->not_after;
  return {};
}

void ParentLink::Recheck(const trust::Identity& identity) {
  if (!welcomed_ || closing_) return;
  const Status parent = JudgeParent(identity);
  if (!parent) Close(parent.error());
}

void ParentLink::OpenLanes() {
  for (const lane::Lane which : lane::kLanes) {
    base::Result<lane::LaneStream*> opened =
        lane::LaneStream::Open(*this, transport_->session(), which, parent_.host);
    if (!opened) return Close(opened.error());
    lanes_[static_cast<std::size_t>(which)] = *opened;
  }
  const base::WallTime now = env_.loop.clock().WallNow();
  SendControl(lane::Hello{
      .group = options_.group,
      .group_id = identity_->group_id,
      .host = options_.host,
      .store = outbox_.stored.store(),
      .last_sequence = outbox_.stored.last_sequence(),
      .path = {options_.host},
      .clock_ms = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count(),
      .max_record = options_.max_record,
      .history = options_.History(),
  });
}

Status ParentLink::OnWelcome(const lane::Welcome& welcome) {
  if (welcomed_) return Fail(Code::kInvalid, "parent sent a second Welcome");
  if (welcome.protocol != lane::kProtocolVersion) {
    return Fail(Code::kInvalid, "parent speaks version " + std::to_string(welcome.protocol) +
                                    " of the link's protocol, this relay version 1");
  }
  RETURN_IF_ERROR(OnPath(welcome.path));
  RETURN_IF_ERROR(outbox_.stored.CheckMark({.sequence = welcome.mark, .crc = welcome.mark_crc}));
  welcomed_ = true;
  feed_.emplace(env_, options_, parent_.name, outbox_, welcome,
                [this](const lane::Credit& wish) { SendControl(wish); });
  bound_.Cancel();
  tick_ = env_.loop.PostAfter(silence_.tick(), [this] { Tick(); });
  observer_.OnWelcome(*this);
  return {};
}

Status ParentLink::OnPath(std::vector<std::string> path) {
  if (std::find(path.begin(), path.end(), options_.host) != path.end()) {
    return Fail(Code::kInvalid, "the way up leads back to this relay: a loop of parents");
  }
  path_ = std::move(path);
  return {};
}

// === carrying ===

void ParentLink::Carry() {
  CHECK(welcomed_, "a link carries after Welcome");
  carrying_ = true;
  feed_->Start();  // only a link that carries moves the cursor
  Wake();
}

void ParentLink::Wake() {
  if (!carrying_ || over_) return;
  lane::LaneStream* live = stream(lane::Lane::kLive);
  lane::LaneStream* data = stream(lane::Lane::kData);
  if (live != nullptr && feed_->HasLive()) live->Wake();
  if (data != nullptr && feed_->HasData()) data->Wake();
  transport_->Flush();
}

void ParentLink::OnRoom(lane::LaneStream& stream) {
  if (!carrying_ || over_) return;
  if (stream.lane() == lane::Lane::kLive) feed_->FillLive(ShouldCompress(), stream.output());
  if (stream.lane() == lane::Lane::kData) feed_->FillData(ShouldCompress(), stream.output());
}

bool ParentLink::ShouldCompress() const {
  switch (options_.compression) {
    case Compression::kNone: return false;
    case Compression::kZstd: return true;
    case Compression::kAuto:
      return env_.loop.BusyShare() < kBusyForAuto &&
             (light_ || transport_->connection().congested());
  }
  return false;
}

void ParentLink::SendControl(const lane::Frame& frame) {
  lane::LaneStream* control = stream(lane::Lane::kControl);
  if (control == nullptr) return;
  control->Send(frame);
  transport_->Flush();
  last_sent_ = env_.loop.clock().Now();
}

// === what the parent says ===

Status ParentLink::OnFrame(lane::LaneStream& stream, lane::Frame frame) {
  if (const auto* welcome = std::get_if<lane::Welcome>(&frame)) return OnWelcome(*welcome);
  if (!welcomed_) return Fail(Code::kInvalid, "parent sent a frame before Welcome");
  const bool elsewhere =
      std::holds_alternative<lane::LiveAck>(frame) || std::holds_alternative<lane::Unknown>(frame);
  if (stream.lane() != lane::Lane::kControl && !elsewhere) {
    return Fail(Code::kInvalid, "parent sent a control frame on another lane");
  }
  if (const auto* ack = std::get_if<lane::LiveAck>(&frame)) {
    RETURN_IF_ERROR(feed_->OnLiveAck(*ack));
    CloseIfDone();
  } else if (const auto* stored = std::get_if<lane::Ack>(&frame)) {
    RETURN_IF_ERROR(feed_->OnAck(*stored));
    CloseIfDone();
  } else if (const auto* credit = std::get_if<lane::Credit>(&frame)) {
    feed_->Grant(credit->total);
    Wake();
  } else if (const auto* ping = std::get_if<lane::Ping>(&frame)) {
    parent_state_ = ping->state;
    SendControl(lane::Pong{.stamp = ping->stamp});
  } else if (const auto* pong = std::get_if<lane::Pong>(&frame)) {
    parent_state_ = pong->state;
    const auto now = static_cast<std::uint64_t>(env_.loop.clock().Now().time_since_epoch().count());
    silence_.Measured(Duration(static_cast<Duration::rep>(now - std::min(now, pong->stamp))));
  } else if (auto* path = std::get_if<lane::Path>(&frame)) {
    RETURN_IF_ERROR(OnPath(std::move(path->hosts)));
    observer_.OnPath(*this);
  } else if (std::holds_alternative<lane::Drain>(frame)) {
    parent_state_ = lane::PeerState::kDraining;
    observer_.OnDrainAsked(*this);
  } else if (!std::holds_alternative<lane::Unknown>(frame)) {
    return Fail(Code::kInvalid, "parent sent a child's frame on lane " +
                                    std::string(lane::LanePath(stream.lane())));
  }
  return {};
}

// === life and end ===

void ParentLink::CloseIfDone() {
  if (retired_ && feed_->idle()) Close(Fail(Code::kCancelled, "retired"));
}

void ParentLink::Tick() {
  tick_ = env_.loop.PostAfter(silence_.tick(), [this] { Tick(); });
  const base::Instant now = env_.loop.clock().Now();
  // Half a tick of slack: a heartbeat's answer takes its time too.
  const bool heard =
      now - transport_->connection().last_heard() < silence_.tick() + silence_.tick() / 2;
  if (silence_.Tick(heard)) {
    return Close(Fail(Code::kTimeout, "parent " + parent_.name + " was silent for " +
                                          std::to_string(silence_.timeout() / milliseconds(1)) +
                                          " ms"));
  }
  if (env_.loop.clock().WallNow() > parent_not_after_) {
    return Close(Fail(Code::kExpired, "the certificate of parent " + parent_.name + " has ended")
                     .As(pki::event::kNotCurrentlyValid));
  }
  feed_->Expire(now);
  const std::uint64_t sent = feed_->sent() - std::exchange(sent_before_tick_, feed_->sent());
  const double seconds = std::chrono::duration<double>(silence_.tick()).count();
  light_ = static_cast<double>(sent) / seconds < kLightBytesPerSecond;
  // A heartbeat where nothing else shows that we live, and one in a while to measure the way.
  if (now - last_sent_ >= 2 * silence_.tick() || !heard) {
    SendControl(lane::Ping{.stamp = static_cast<std::uint64_t>(now.time_since_epoch().count())});
  }
  if (now - feed_->last_batch() >= kIdleBeforeReturn) {
    if (const std::optional<lane::Credit> back = feed_->ReturnCredit()) SendControl(*back);
  }
}

void ParentLink::Retire(Duration grace) {
  carrying_ = false;
  retired_ = true;
  CloseIfDone();
  if (closing_) return;
  bound_ = env_.loop.PostAfter(
      grace, [this] { Close(Fail(Code::kTimeout, "retired, and its grace is over")); });
}

void ParentLink::OnLaneAsked(lane::LaneStream& stream) {
  stream.Refuse(Fail(Code::kInvalid, "a parent opens no lanes on a link that it did not dial"));
}

void ParentLink::OnLaneOver(lane::LaneStream& stream, const Error& why) {
  lanes_[static_cast<std::size_t>(stream.lane())] = nullptr;
  Close(why.In("parent " + parent_.name));
}

void ParentLink::Close(const Error& why) {
  if (over_ || closing_) return;
  closing_ = true;
  reason_ = why;
  carrying_ = false;
  dial_.reset();
  bound_.Cancel();
  tick_.Cancel();
  if (transport_ != nullptr && !transport_closed_) {
    transport_->Close(why);
    return;
  }
  env_.loop.Defer([this, why, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) End(why);
  });
}

void ParentLink::OnTransportClosed(const Error& why) {
  transport_closed_ = true;
  closing_ = true;
  carrying_ = false;
  bound_.Cancel();
  tick_.Cancel();
  End(reason_.value_or(why));  // the peer may close while we do, which explains nothing
}

void ParentLink::End(const Error& why) {
  if (over_) return;
  over_ = true;
  if (feed_) feed_->PutBack();
  observer_.OnOver(*this, why);
}

}  // namespace postern::link
