#include "sidecar/link/child_link.h"

#include <algorithm>
#include <utility>

#include "lib/pki/event.h"
#include "lib/pki/host_name.h"
#include "sidecar/trust/admission.h"

namespace postern::link {

using base::Code;
using base::Duration;
using base::Error;
using base::Fail;
using base::Status;
using std::chrono::milliseconds;

namespace {

// Lanes are few and HPACK tables are memory that 20,000 idle children would multiply.
constexpr http2::Session::Options kSession = {
    .max_concurrent_streams = 8,
    .stream_window = (1U << 31U) - 1,  // credit bounds what is on its way, not HTTP/2
    .connection_window = (1U << 31U) - 1,
    .header_table = 0,
};
constexpr Duration kHandshakeBound = std::chrono::seconds(10);
constexpr Duration kRefusalBound = std::chrono::seconds(2);  // to read why
// What a record may carry beside its body, headers above all, and the batch around it.
constexpr std::size_t kMostBesideBody = 384 * 1024;
constexpr std::size_t kFrameHead = 64;  // beside its payload

// With its event in front, for people to look up.
Error Numbered(const Error& refusal) {
  const pki::Event* event = pki::FindEvent(refusal.event());
  if (event == nullptr) return refusal;
  return refusal.In(std::to_string(event->number) + " " + std::string(event->reason));
}

}  // namespace

ChildLink::ChildLink(LinkEnv& env, const LinkOptions& options, ChildLinkHost& host, net::Fd socket,
                     std::string address, net::Intake::Pass pass)
    : env_(env),
      options_(options),
      host_(host),
      address_(std::move(address)),
      pass_(std::move(pass)) {
  auto session = std::make_unique<http2::Session>(http2::Session::Role::kServer, kSession, [this] {
    return std::make_unique<lane::LaneStream>(static_cast<lane::LaneUser&>(*this),
                                              transport_->session());
  });
  transport_ = std::make_unique<http2::Transport>(
      env_.loop, std::move(socket), std::make_unique<pki::TlsSession>(host_.identity().server, ""),
      env_.scratch, std::move(session),
      http2::Transport::Hooks{.on_open = [this] { OnOpen(); },
                              .on_closed = [this](const Error& why) { OnTransportClosed(why); }});
}

ChildLink::~ChildLink() {
  closing_ = true;
  if (store_ != nullptr) store_->End(session_);
  transport_.reset();  // its streams end here, while everything that they call still stands
  // Records that are not done outlive the link: their holds give their bytes back themselves.
  host_.budget().Force(held_);
}

void ChildLink::Start() {
  bound_ = env_.loop.PostAfter(kHandshakeBound, [this] {
    Close(Fail(Code::kTimeout, "no TLS handshake and Hello within 10 s")
              .As(pki::event::kHandshakeFailed));
  });
  transport_->Start();
}

// === who is it ===

void ChildLink::OnOpen() {
  pass_.Established();
  const std::vector<pki::Certificate> chain = transport_->connection().tls()->PeerChain();
  base::Result<pki::PeerIdentity> peer = host_.Judge(chain);
  if (!peer) {
    refused_ = peer.error();
    return;  // told in the stream: a TLS 1.3 client believes that it is connected
  }
  peer_ = *std::move(peer);
}

// What a peer is told that was not let in, which is less than the log gets where its chain means
// nothing.
Error ChildLink::Explain(const Error& refusal) {
  return Numbered(trust::Admission::MayTell(refusal) ? refusal : trust::Admission::Generic());
}

void ChildLink::OnLaneAsked(lane::LaneStream& stream) {
  if (!refused_) {
    const base::Result<pki::PeerIdentity> again =
        host_.Judge(transport_->connection().tls()->PeerChain());
    if (!again) refused_ = again.error();
  }
  if (refused_) return RefuseLane(stream, Explain(*refused_));
  lane::LaneStream*& place = lanes_[static_cast<std::size_t>(stream.lane())];
  if (place != nullptr)
    return stream.Refuse(Fail(Code::kInvalid, "the link has this lane already"));
  place = &stream;
  stream.Accept();
  UpdateBounds();
}

void ChildLink::RefuseLane(lane::LaneStream& stream, const Error& told) {
  stream.Refuse(told);
  lanes_[static_cast<std::size_t>(stream.lane())] = &stream;
  transport_->Flush();
  if (!closing_) bound_ = env_.loop.PostAfter(kRefusalBound, [this] { Close(*refused_); });
  // The child's half is still open: resetting it ends the lane there too. Once the refusal is out,
  // for a reset overtakes what is not sent yet.
  env_.loop.Defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired() || closing_ || transport_->session().WantsToSend()) return;
    for (lane::LaneStream* lane : lanes_) {
      if (lane != nullptr) transport_->session().Reset(*lane, http2::ErrorCode::kNoError);
    }
    transport_->Flush();
  });
}

void ChildLink::Recheck() {
  if (refused_ || peer_.host.empty()) return;
  const base::Result<pki::PeerIdentity> peer =
      host_.Judge(transport_->connection().tls()->PeerChain());
  if (!peer) Close(peer.error());
}

Status ChildLink::CheckHello(const lane::Hello& hello) const {
  if (welcomed_) return Fail(Code::kInvalid, "child sent a second Hello");
  if (hello.protocol != lane::kProtocolVersion) {
    return Fail(Code::kInvalid, "child speaks version " + std::to_string(hello.protocol) +
                                    " of the link's protocol, this relay version 1");
  }
  if (!pki::SameHostName(hello.host, peer_.host)) {
    return Fail(Code::kDenied, "Hello names host \"" + pki::Printable(hello.host) +
                                   "\", the certificate \"" + peer_.host + "\"")
        .As(pki::event::kSubjectMismatch);
  }
  if (hello.group == options_.group && hello.group_id != host_.identity().group_id) {
    return Fail(Code::kDenied, "management group \"" + options_.group + "\" is " +
                                   host_.identity().group_id + " here and " +
                                   pki::Printable(hello.group_id) + " there")
        .As(pki::event::kNotInTrustedDomain);
  }
  if (std::find(hello.path.begin(), hello.path.end(), options_.host) != hello.path.end()) {
    return Fail(Code::kDenied, "the child's path holds this relay: a loop of parents");
  }
  return {};
}

Status ChildLink::OnHello(const lane::Hello& hello) {
  RETURN_IF_ERROR(CheckHello(hello));
  store_ = &host_.FindStore(peer_.host, hello.store);
  session_ = store_->Begin({.on_ack =
                                [this](std::uint64_t through) {
                                  ack_through_ = through;
                                  ScheduleAnswers();
                                },
                            .on_failed = [this](const Error& why) { Close(why); }});
  credit_.emplace(
      host_.budget(),
      lane::CreditGrantor::Options{.largest = options_.max_record + kMostBesideBody,
                                   .room = [this] { return host_.store().RoomFor(peer_.host); }},
      [this] { TellCredit(); });
  const std::size_t history = std::min(options_.History(), static_cast<std::size_t>(hello.history));
  const lane::LaneSender sender{.host = peer_.host, .store = hello.store};
  live_.emplace(env_.loop, host_.sink(), host_.store(), peer_.host,
                LiveIntake::Hooks{.on_answer = [this] { ScheduleAnswers(); },
                                  .tell = [this](const lane::LiveAck& ack) { SendLive(ack); }});
  live_unpacker_.emplace(sender, env_.codec, history);
  data_unpacker_.emplace(sender, env_.codec, history);
  welcomed_ = true;
  bound_.Cancel();
  SendWelcome(history);
  // What was acknowledged over a link that is gone may not have arrived there.
  ack_through_ = store_->mark().sequence;
  FlushAck();
  UpdateBounds();
  tick_ = env_.loop.PostAfter(options_.dead_after, [this] { Tick(); });
  env_.log.Info("child linked", {{"child", peer_.host}, {"address", address_}});
  return {};
}

void ChildLink::SendWelcome(std::size_t history) {
  const base::WallTime now = env_.loop.clock().WallNow();
  SendControl(lane::Welcome{
      .group = options_.group,
      .group_id = host_.identity().group_id,
      .host = options_.host,
      .store = store_->keeper(),
      .session = session_,
      .mark = store_->mark().sequence,
      .mark_crc = store_->mark().crc,
      .path = host_.path(),
      .clock_ms = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count(),
      .max_record = options_.max_record,
      .history = history,
      .credit = credit_->total(),
  });
}

// === what the child sends ===

Status ChildLink::OnFrame(lane::LaneStream& stream, lane::Frame frame) {
  if (refused_) return {};
  const auto* hello = std::get_if<lane::Hello>(&frame);
  if (hello != nullptr && stream.lane() == lane::Lane::kControl) {
    const Status taken = OnHello(*hello);
    if (taken) return {};
    refused_ = taken.error();
    RefuseLane(stream, Numbered(taken.error()));
    return {};
  }
  if (!welcomed_) return Fail(Code::kInvalid, "child sent a frame before Hello");
  if (const auto* batch = std::get_if<lane::Batch>(&frame)) return OnBatch(stream, *batch);
  if (stream.lane() != lane::Lane::kControl && !std::holds_alternative<lane::Unknown>(frame)) {
    return Fail(Code::kInvalid, "child sent a control frame on another lane");
  }
  if (const auto* credit = std::get_if<lane::Credit>(&frame)) {
    credit_->Want(*credit);
    TellCredit();
  } else if (const auto* ping = std::get_if<lane::Ping>(&frame)) {
    SendControl(lane::Pong{.stamp = ping->stamp, .state = host_.state()});
  } else if (!std::holds_alternative<lane::Pong>(frame) &&
             !std::holds_alternative<lane::Drain>(frame) &&
             !std::holds_alternative<lane::Unknown>(frame)) {
    return Fail(Code::kInvalid, "child sent a parent's frame");
  }
  return {};
}

Status ChildLink::OnBatch(lane::LaneStream& stream, const lane::Batch& batch) {
  const bool data = batch.lane == lane::Batch::Lane::kData;
  if (stream.lane() != (data ? lane::Lane::kData : lane::Lane::kLive)) {
    return Fail(Code::kInvalid, "a batch came on the wrong lane");
  }
  const std::uint64_t cost = batch.raw_size;
  if (!credit_->Receive(cost)) return Fail(Code::kInvalid, "child sent beyond its credit");
  // Given back when the last record of the batch is done, however that comes about.
  held_ += cost;
  const StoreIntake::Hold hold(
      this, [cost, &budget = host_.budget(), alive = std::weak_ptr<bool>(alive_)](ChildLink* link) {
        if (alive.expired()) return budget.Give(cost);
        link->held_ -= cost;
        link->credit_->Release(cost);
        link->TellCredit();
      });
  lane::BatchUnpacker& unpacker = data ? *data_unpacker_ : *live_unpacker_;
  ASSIGN_OR_RETURN(std::vector<lane::UnpackedRecord> records,
                   unpacker.Unpack(batch, static_cast<std::size_t>(cost)));
  for (lane::UnpackedRecord& unpacked : records) {
    if (unpacked.record.body.size() > options_.max_record) {
      return Fail(Code::kInvalid, "child sent a record beyond maxRecord");
    }
    ++unpacked.record.hops;
    env_.metrics.received_bytes.Increment(static_cast<double>(unpacked.record.body.size()));
  }
  env_.metrics.received_records.Increment(static_cast<double>(records.size()));
  if (data) {
    // Frames of a session that a newer Hello ended are discarded: its successor sends them again.
    (void)store_->Take(batch.session, std::move(records), hold);
  } else {
    live_->Take(std::move(records), batch.keep, hold);
  }
  UpdateBounds();
  return {};
}

// === what the child is told ===

// Answers of one turn share a frame, and all frames of a turn one write.
void ChildLink::ScheduleAnswers() {
  if (flush_scheduled_) return;
  flush_scheduled_ = true;
  env_.loop.Defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    flush_scheduled_ = false;
    if (live_) live_->Flush();
    FlushAck();
  });
}

void ChildLink::SendLive(const lane::LiveAck& ack) {
  lane::LaneStream* live = stream(lane::Lane::kLive);
  if (live == nullptr) return;
  live->Send(ack);
  transport_->Flush();
}

void ChildLink::FlushAck() {
  if (ack_through_ <= ack_told_) return;
  ack_told_ = ack_through_;
  SendControl(lane::Ack{.through = ack_through_});
}

void ChildLink::TellCredit() {
  UpdateBounds();
  if (const std::optional<std::uint64_t> total = credit_->Due()) {
    SendControl(lane::Credit{.total = *total});
  }
}

void ChildLink::UpdateBounds() {
  if (!credit_) return;
  const std::size_t most = static_cast<std::size_t>(credit_->unused()) + kFrameHead;
  for (const lane::Lane kind : {lane::Lane::kData, lane::Lane::kLive}) {
    if (lane::LaneStream* stream = this->stream(kind)) stream->SetMostMessage(most);
  }
}

void ChildLink::SendControl(const lane::Frame& frame) {
  lane::LaneStream* control = stream(lane::Lane::kControl);
  if (control == nullptr) return;
  control->Send(frame);
  transport_->Flush();
}

void ChildLink::TellPath() {
  if (welcomed_) SendControl(lane::Path{.hosts = host_.path()});
}

void ChildLink::AskToDrain(Duration grace) {
  SendControl(lane::Drain{.grace = std::chrono::duration_cast<milliseconds>(grace)});
}

// === life and end ===

// The child sends heartbeats and judges its parent; a parent only clears away what fell silent.
void ChildLink::Tick() {
  tick_ = env_.loop.PostAfter(options_.dead_after, [this] { Tick(); });
  const base::Instant now = env_.loop.clock().Now();
  if (env_.loop.clock().WallNow() > peer_.not_after) {
    return Close(Fail(Code::kExpired, "the certificate that authenticated this link has ended")
                     .As(pki::event::kNotCurrentlyValid));
  }
  if (credit_) {
    credit_->Retry();  // the store may have passed on what the child has there
    TellCredit();
  }
  if (now - transport_->connection().last_heard() > 3 * options_.dead_after) {
    Close(Fail(Code::kTimeout, "child was silent for three times deadAfter"));
  }
}

void ChildLink::OnLaneOver(lane::LaneStream& stream, const Error& why) {
  lane::LaneStream*& place = lanes_[static_cast<std::size_t>(stream.lane())];
  if (place != &stream) return;
  place = nullptr;
  if (refused_) return;  // the child closes once it has read why, or bound_ does
  Close(why);
}

void ChildLink::Close(const Error& why) {
  if (closing_) return;
  closing_ = true;
  bound_.Cancel();
  tick_.Cancel();
  transport_->Close(why);
}

void ChildLink::OnTransportClosed(const Error& why) {
  closing_ = true;
  bound_.Cancel();
  tick_.Cancel();
  if (store_ != nullptr) store_->End(session_);
  store_ = nullptr;
  host_.OnOver(*this, refused_ ? *refused_ : why);
}

}  // namespace postern::link
