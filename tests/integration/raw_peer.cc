#include "tests/integration/raw_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "lib/http2/session.h"
#include "lib/http2/testing/exchange.h"

namespace postern::integration {
namespace {

using base::Code;
using base::Fail;

constexpr base::Duration kPatience = std::chrono::seconds(10);

base::Instant In(base::Duration most) { return std::chrono::steady_clock::now() + most; }

// Whether one of `events`, or an end, came before `until`.
bool Poll(int fd, short events, base::Instant until) {
  using std::chrono::milliseconds;
  const base::Duration left = until - std::chrono::steady_clock::now();
  pollfd watched{.fd = fd, .events = events, .revents = 0};
  const auto wait = std::max<milliseconds::rep>(0, std::chrono::ceil<milliseconds>(left).count());
  return poll(&watched, 1, static_cast<int>(wait)) > 0;
}

}  // namespace

base::Result<RawPeer> RawPeer::Connect(std::uint16_t port) {
  ASSIGN_OR_RETURN(const net::SocketAddress address, net::SocketAddress::FromIp("127.0.0.1", port));
  ASSIGN_OR_RETURN(net::Fd socket, net::StartConnect(address));
  if (!Poll(socket.get(), POLLOUT, In(kPatience))) {
    return Fail(Code::kTimeout, "connecting to " + address.text());
  }
  RETURN_IF_ERROR(net::ConnectOutcome(socket, address));
  return RawPeer(std::move(socket));
}

base::Result<RawPeer> RawPeer::Accept(const net::Fd& listener) {
  if (!Poll(listener.get(), POLLIN, In(kPatience))) {
    return Fail(Code::kTimeout, "nobody connects");
  }
  return RawPeer(net::Fd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)));
}

bool RawPeer::Await(short events, base::Instant until) {
  if (!Poll(socket_.get(), static_cast<short>(events | POLLIN), until)) return false;
  std::array<char, 64 * 1024> bytes{};
  const ssize_t got = recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (got > 0) {
    (secured_ || tls_ ? sealed_ : plain_).append(bytes.data(), static_cast<std::size_t>(got));
    if (secured_) Open();
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended_ = true;
  }
  return true;
}

void RawPeer::Open() {
  std::string_view left = sealed_;
  std::array<char, 64 * 1024> buffer{};
  while (true) {
    const base::Result<std::size_t> got = tls_->Read(left, buffer);
    if (!got) ended_ = true;
    if (!got || *got == 0) break;
    plain_.append(buffer.data(), *got);
  }
  sealed_.erase(0, sealed_.size() - left.size());
}

base::Status RawPeer::Handshake(const pki::TlsContext& context) {
  tls_.emplace(context, "");
  const base::Instant until = In(kPatience);
  while (true) {
    std::string_view left = sealed_;
    std::string out;
    const base::Result<bool> done = tls_->Handshake(left, out);
    sealed_.erase(0, sealed_.size() - left.size());
    if (!SendSealed(out, kPatience) || !done) {
      return done ? Fail(Code::kUnavailable, "the other side ended the handshake") : done.error();
    }
    if (*done) break;
    if (ended_ || !Await(POLLIN, until)) return Fail(Code::kUnavailable, "no handshake");
  }
  secured_ = true;
  Open();
  return {};
}

bool RawPeer::SendSealed(std::string_view bytes, base::Duration most) {
  base::Instant until = In(most);
  while (!bytes.empty() && !ended_) {
    const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      until = In(most);
    } else if (errno != EAGAIN && errno != EINTR) {
      ended_ = true;
    } else if (!Await(POLLOUT, until)) {
      return false;
    }
  }
  return bytes.empty();
}

bool RawPeer::Send(std::string_view bytes, base::Duration most) {
  if (!secured_) return SendSealed(bytes, most);
  std::string sealed;
  return tls_->Write(bytes, sealed) && SendSealed(sealed, most);
}

std::string RawPeer::Read(base::Duration most) {
  const base::Instant until = In(most);
  while (plain_.empty() && !ended_ && Await(POLLIN, until)) {
  }
  return std::exchange(plain_, {});
}

bool RawPeer::EndsWithin(base::Duration most) {
  const base::Instant until = In(most);
  while (!ended_ && Await(POLLIN, until)) plain_.clear();
  return ended_;
}

std::map<std::string, std::string> Ask(RawPeer& peer, http2::Fields headers, std::string body) {
  http2::Exchange::Seen seen;
  http2::Session session(http2::Session::Role::kClient, {}, nullptr);
  auto stream = std::make_unique<http2::Exchange>(
      seen, http2::Exchange::Plan{.session = &session, .body = std::move(body), .waits = true});
  if (!session.Request(std::move(stream), headers, true)) return {};
  while (seen.headers.empty() && !seen.closed && !peer.ended()) {
    std::string out;
    if (!session.Fill(out, 1 << 16) || !peer.Send(out)) break;
    const std::string came = peer.Read(session.WantsToSend() ? base::Duration(0) : kPatience);
    if (came.empty() && !session.WantsToSend()) break;
    if (!session.Receive(came)) break;
  }
  return {seen.headers.begin(), seen.headers.end()};
}

}  // namespace postern::integration
