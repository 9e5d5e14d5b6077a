#include "tests/support/gate_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/base/check.h"

namespace postern::support {
namespace {

using base::Duration;
using base::Instant;
using std::chrono::milliseconds;

constexpr std::size_t kChunk = std::size_t{16} * 1024;
// Small, so that a slow or frozen direction pushes back on its sender soon.
constexpr std::size_t kMostBuffered = std::size_t{64} * 1024;
constexpr std::size_t kMostDelayed = std::size_t{16} * 1024 * 1024;
constexpr Duration kSlowTick = milliseconds(10);
constexpr double kSlowBurstSeconds = 0.05;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int Dial(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0, "the kernel gives a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Its outcome is read from SO_ERROR when the socket gets writable.
  [[maybe_unused]] const int started =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return fd;
}

void SendAtOnce(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void CloseSocket(int fd, Ending ending) {
  if (ending == Ending::kReset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  } else {
    shutdown(fd, SHUT_WR);
    // Closed with something unread, a socket sends a RST behind its FIN.
    std::string unread(kChunk, '\0');
    while (recv(fd, unread.data(), unread.size(), MSG_DONTWAIT) > 0) {
    }
  }
  close(fd);
}

}  // namespace

std::size_t GatePipe::most_buffered() const {
  return rules_.delay > Duration::zero() ? kMostDelayed : kMostBuffered;
}

bool GatePipe::wants_read() const {
  return !rules_.frozen && !source_ended_ && buffered_ < most_buffered();
}

std::optional<Duration> GatePipe::WaitFrom(Instant now) const {
  if (rules_.frozen || chunks_.empty() || sink_full_) return std::nullopt;
  const Duration wait = chunks_.front().due - now;
  return wait > Duration::zero() ? wait : kSlowTick;
}

GatePipe::Outcome GatePipe::Move(int from, int to, Instant now) {
  if (done_) return Outcome::kDone;
  if (rules_.frozen) return Outcome::kWaits;
  if (!Read(from, now)) return Outcome::kReset;
  return Write(to, now);
}

bool GatePipe::Read(int from, Instant now) {
  while (wants_read()) {
    std::string bytes(kChunk, '\0');
    const ssize_t got = recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0) return WouldBlock(errno);
    source_ended_ = got == 0;
    bytes.resize(static_cast<std::size_t>(got));
    buffered_ += bytes.size();
    // An empty chunk is the end: it waits for its time like every byte before it.
    chunks_.push_back({std::move(bytes), 0, now + rules_.delay});
  }
  return true;
}

GatePipe::Outcome GatePipe::Write(int to, Instant now) {
  sink_full_ = false;
  while (!chunks_.empty() && chunks_.front().due <= now) {
    Chunk& chunk = chunks_.front();
    if (chunk.bytes.empty()) {
      shutdown(to, SHUT_WR);
      done_ = true;
      return Outcome::kDone;
    }
    const std::size_t most = Allowance(chunk.bytes.size() - chunk.sent, now);
    if (most == 0) return Outcome::kWaits;
    const ssize_t put =
        send(to, chunk.bytes.data() + chunk.sent, most, MSG_NOSIGNAL | MSG_DONTWAIT);
    sink_full_ = put < 0 && WouldBlock(errno);
    if (put < 0) return sink_full_ ? Outcome::kWaits : Outcome::kReset;
    const auto sent = static_cast<std::size_t>(put);
    chunk.sent += sent;
    buffered_ -= sent;
    allowance_ -= static_cast<double>(sent);
    rules_.moved += sent;
    if (chunk.sent == chunk.bytes.size()) chunks_.pop_front();
    if (!rules_.cut) continue;
    rules_.cut->bytes_left -= sent;
    if (rules_.cut->bytes_left > 0) continue;
    const Ending ending = std::exchange(rules_.cut, std::nullopt)->ending;
    return ending == Ending::kReset ? Outcome::kReset : Outcome::kEnd;
  }
  return Outcome::kWaits;
}

std::size_t GatePipe::Allowance(std::size_t wanted, Instant now) {
  if (rules_.cut) wanted = std::min<std::size_t>(wanted, rules_.cut->bytes_left);
  if (rules_.bytes_per_second == 0) return wanted;
  const auto rate = static_cast<double>(rules_.bytes_per_second);
  const double passed = std::chrono::duration<double>(now - allowance_at_).count();
  // The first byte is never free of the limit: an idle time earns no more than one burst.
  allowance_ = std::clamp(allowance_ + passed * rate, 0.0, std::max(1.0, rate * kSlowBurstSeconds));
  allowance_at_ = now;
  return std::min(wanted, static_cast<std::size_t>(allowance_));
}

GateConnection::GateConnection(base::Loop& loop, Rules& rules, int client,
                               std::uint16_t target_port, std::function<void()> on_closed)
    : loop_(loop),
      client_(*this, client),
      target_(*this, Dial(target_port)),
      to_target_(rules[static_cast<std::size_t>(Direction::kToTarget)]),
      to_client_(rules[static_cast<std::size_t>(Direction::kToClient)]),
      on_closed_(std::move(on_closed)) {
  SendAtOnce(client_.fd);
  SendAtOnce(target_.fd);
  Want(target_, false, true);
}

GateConnection::~GateConnection() {
  on_closed_ = [] {};
  Close(Ending::kReset);
}

void GateConnection::Side::OnReady(bool /*readable*/, bool /*writable*/) {
  if (!owner.connected_) owner.FinishConnect();
  owner.Pump();
}

void GateConnection::FinishConnect() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(target_.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  connected_ = error == 0;
  if (!connected_) Close(Ending::kReset);
}

void GateConnection::Pump() {
  if (closed_ || !connected_) return;
  const Instant now = loop_.clock().Now();
  if (MoveBoth(now)) Wait(now);
}

bool GateConnection::MoveBoth(Instant now) {
  using Outcome = GatePipe::Outcome;
  const Outcome there = to_target_.Move(client_.fd, target_.fd, now);
  // A cut ends both directions: nothing of the other one is moved behind it.
  const bool cut = there == Outcome::kReset || there == Outcome::kEnd;
  const Outcome back = cut ? there : to_client_.Move(target_.fd, client_.fd, now);
  const bool both_done = there == Outcome::kDone && back == Outcome::kDone;
  if (there == Outcome::kReset || back == Outcome::kReset) {
    Close(Ending::kReset);
  } else if (both_done || there == Outcome::kEnd || back == Outcome::kEnd) {
    Close(Ending::kEnd);
  }
  return !closed_;
}

void GateConnection::Wait(Instant now) {
  Want(client_, to_target_.wants_read(), to_client_.wants_write());
  Want(target_, to_client_.wants_read(), to_target_.wants_write());
  const auto there = to_target_.WaitFrom(now);
  const auto back = to_client_.WaitFrom(now);
  timer_.Cancel();
  if (!there && !back) return;
  const Duration wait = std::min(there.value_or(Duration::max()), back.value_or(Duration::max()));
  timer_ = loop_.PostAfter(wait, [this] { Pump(); });
}

void GateConnection::Want(Side& side, bool readable, bool writable) {
  const bool any = readable || writable;
  // Unwatched where nothing is wanted: epoll would tell of a peer's reset again and again, while a
  // frozen network tells nothing.
  if (side.watched && !any) loop_.Unwatch(side.fd);
  if (side.watched && any) loop_.Update(side.fd, readable, writable, side);
  if (!side.watched && any) loop_.Watch(side.fd, readable, writable, side);
  side.watched = any;
}

void GateConnection::Close(Ending ending) {
  if (closed_) return;
  closed_ = true;
  timer_.Cancel();
  Want(client_, false, false);
  Want(target_, false, false);
  CloseSocket(client_.fd, ending);
  CloseSocket(target_.fd, ending);
  // Not here: this is called from a method of the object that goes.
  loop_.Defer(on_closed_);
}

}  // namespace postern::support
