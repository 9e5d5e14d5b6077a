#include "sidecar/service/otlp/otlp_door.h"

#include <utility>
#include <vector>

#include "sidecar/service/otlp/otlp_exchange.h"

namespace postern::service {

using base::Code;
using base::Error;
using base::Fail;

namespace {

constexpr base::Duration kTick = std::chrono::seconds(1);
constexpr http2::Session::Options kSession = {
    .max_concurrent_streams = 1024,
    .stream_window = OtlpDoor::kFirstWindow,
    .widen_by_hand = true,
    .connection_window = 1 << 24,
    .header_table = 4096,
};
constexpr net::Intake::Limits kClients = {.connections = 10'000,
                                          .connections_for_each_address = 10'000,
                                          .handshakes = 10'000,
                                          .handshakes_for_each_address = 10'000};

}  // namespace

OtlpDoor::OtlpDoor(const Inside& inside, const Options& options, net::Fd socket)
    : inside_(inside),
      options_(options),
      listener_(
          inside.loop, std::move(socket), kClients,
          [this](net::Fd accepted, const net::SocketAddress&, net::Intake::Pass pass) {
            OnSocket(std::move(accepted), std::move(pass));
          },
          [this] { inside_.log.Warn("client turned away: too many connections", {}); }) {
  tick_ = inside_.loop.PostAfter(kTick, [this] { Tick(); });
}

OtlpDoor::~OtlpDoor() { connections_.clear(); }

void OtlpDoor::OnSocket(net::Fd socket, net::Intake::Pass pass) {
  // The session makes exchanges that need the transport, which is made after it.
  auto place = std::make_shared<http2::Transport*>(nullptr);
  auto session = std::make_unique<http2::Session>(
      http2::Session::Role::kServer, kSession,
      [this, place] { return std::make_unique<OtlpExchange>(*this, **place); });
  auto transport = std::make_unique<http2::Transport>(
      inside_.loop, std::move(socket), nullptr, inside_.scratch, std::move(session),
      http2::Transport::Hooks{.on_open = [] {},
                              .on_closed = [this, place](const Error&) { OnOver(*place); }});
  *place = transport.get();
  http2::Transport& started = *transport;
  connections_.emplace(&started,
                       Client{std::move(pass), inside_.loop.clock().Now(), std::move(transport)});
  started.Start();
  started.Flush();
}

void OtlpDoor::OnOver(http2::Transport* transport) {
  // From a task: the transport is still on the call stack.
  inside_.loop.Defer([this, transport, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) connections_.erase(transport);
  });
}

void OtlpDoor::Tick() {
  tick_ = inside_.loop.PostAfter(kTick, [this] { Tick(); });
  const base::Instant now = inside_.loop.clock().Now();
  // A copy: whoever is refused leaves the set.
  const std::vector<OtlpExchange*> waiting(waiting_.begin(), waiting_.end());
  for (OtlpExchange* exchange : waiting) {
    if (waiting_.contains(exchange)) exchange->Check(now);
  }
  for (const auto& [raw, client] : connections_) {
    const bool silent = raw->connection().bytes_received() < 24;  // HTTP/2's preface
    if (silent && now - client.since > options_.preface_bound) {
      raw->Close(Fail(Code::kTimeout, "no HTTP/2 preface in time"));
    }
    const bool idle = !silent && raw->session().stream_count() == 0;
    if (idle && now - raw->connection().last_heard() > options_.idle_bound) {
      raw->session()
          .GoAway();  // finished, and with that closed; a client that lives connects again
      raw->Flush();
    }
  }
}

void OtlpDoor::Drain() {
  listener_.Stop();
  for (const auto& [raw, client] : connections_) {
    raw->session().GoAway();
    raw->Flush();
  }
}

}  // namespace postern::service
