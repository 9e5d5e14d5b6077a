// RawChild: a child that says what a test wants on the lanes of its own link, right or wrong.
//
//   RawChild child(world, "gw1.example", parent.port());
//   child.Send(lane::Lane::kControl, child.Hello());
//   world.RunUntil([&] { return child.welcome.has_value(); });
//
// Threads: loop.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/http2/transport.h"
#include "lib/net/dial.h"
#include "sidecar/lane/stream.h"
#include "sidecar/link/testing/sites.h"

namespace postern::link {

class RawChild final : private lane::LaneUser {
 public:
  // `context` shows whatever certificate the test wants, or none.
  RawChild(LinkWorld& world, const std::string& host, std::uint16_t port)
      : RawChild(world, world.Identity(host), port, world.Identity(host)->client) {}
  RawChild(LinkWorld& world, const trust::IdentityPtr& identity, std::uint16_t port,
           const pki::TlsContext& context)
      : world_(world), identity_(identity) {
    dial_ = std::make_unique<net::Dial>(
        world.loop, world.resolver, std::vector<net::HostPort>{{"127.0.0.1", port}},
        std::chrono::seconds(5), [this, context](base::Result<net::Fd> socket) {
          CHECK(socket.has_value(), "the parent listens");
          Open(*std::move(socket), context);
        });
  }
  ~RawChild() { transport_.reset(); }

  lane::Hello Hello() const {
    return {.group = "default",
            .group_id = identity_->group_id,
            .host = identity_->host,
            .store = {7},
            .path = {identity_->host},
            .max_record = 1 << 20};
  }
  // Queued until the link is open.
  void Send(lane::Lane which, const lane::Frame& frame) {
    std::string message;
    lane::AppendFrame(frame, message);
    SendBytes(which, message);
  }
  void SendBytes(lane::Lane which, const std::string& bytes) {
    early_.emplace_back(which, bytes);
    if (opened) Flush();
  }

  bool opened = false;
  std::optional<lane::Welcome> welcome;
  std::vector<lane::Frame> frames;
  std::string over;  // why the first lane or the link ended

 private:
  void Open(net::Fd socket, const pki::TlsContext& context) {
    auto session = std::make_unique<http2::Session>(http2::Session::Role::kClient,
                                                    http2::Session::Options{}, nullptr);
    transport_ = std::make_unique<http2::Transport>(
        world_.loop, std::move(socket), std::make_unique<pki::TlsSession>(context, ""),
        world_.scratch, std::move(session),
        http2::Transport::Hooks{.on_open = [this] { OnOpen(); },
                                .on_closed = [this](const base::Error& why) { Over(why); }});
    transport_->Start();
  }
  void OnOpen() {
    for (const lane::Lane which : lane::kLanes) {
      auto stream = lane::LaneStream::Open(*this, transport_->session(), which, "ms1.example");
      CHECK(stream.has_value(), "a new session opens streams");
      lanes_[static_cast<std::size_t>(which)] = *stream;
    }
    opened = true;
    Flush();
  }
  void Flush() {
    for (const auto& [which, bytes] : std::exchange(early_, {})) {
      lane::LaneStream* stream = lanes_[static_cast<std::size_t>(which)];
      if (stream == nullptr) continue;
      stream->output().text() += bytes;
      stream->Wake();
    }
    transport_->Flush();
  }
  void Over(const base::Error& why) {
    if (over.empty()) over = std::to_string(why.event()) + " " + why.message();
  }

  void OnLaneAsked(lane::LaneStream&) override {}
  base::Status OnFrame(lane::LaneStream&, lane::Frame frame) override {
    if (const auto* told = std::get_if<lane::Welcome>(&frame)) welcome = *told;
    frames.push_back(std::move(frame));
    return {};
  }
  void OnRoom(lane::LaneStream&) override {}
  void OnLaneOver(lane::LaneStream& stream, const base::Error& why) override {
    lanes_[static_cast<std::size_t>(stream.lane())] = nullptr;
    Over(why);
    if (transport_ != nullptr) transport_->Close(why);  // not while it goes itself
  }

  LinkWorld& world_;
  trust::IdentityPtr identity_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<http2::Transport> transport_;
  std::array<lane::LaneStream*, 3> lanes_{};
  std::vector<std::pair<lane::Lane, std::string>> early_;
};

}  // namespace postern::link
