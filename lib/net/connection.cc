#include "lib/net/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "lib/base/check.h"

namespace postern::net {

using base::Code;
using base::Error;
using base::Fail;

namespace {

// Plain bytes asked for at once. Each write wakes the other side, so they grow while the socket
// takes all; on a path that is slower than we are they stay small, for heartbeats wait behind them.
constexpr std::size_t kLeastFill = 64 * 1024;
constexpr std::size_t kMostFill = 256 * 1024;
constexpr int kFillsPerTurn = 4;  // then the other connections have their turn

}  // namespace

Connection::Connection(base::Loop& loop, Fd socket, std::unique_ptr<pki::TlsSession> tls,
                       Scratch& scratch, User& user)
    : loop_(loop),
      socket_(std::move(socket)),
      tls_(std::move(tls)),
      scratch_(scratch),
      user_(user),
      fill_(kLeastFill),
      last_heard_(loop.clock().Now()) {}

Connection::~Connection() {
  *alive_ = false;
  if (socket_.open()) loop_.Unwatch(socket_.get());
}

void Connection::Start() {
  loop_.Watch(socket_.get(), true, false, *this);
  if (tls_ == nullptr) {
    open_ = true;
    user_.OnOpen();
    return;
  }
  std::string_view nothing;
  Handshake(nothing);
}

void Connection::UpdateInterest() {
  const bool writable = !pending_.empty();
  if (!socket_.open() || writable == watched_writable_) return;
  watched_writable_ = writable;
  loop_.Update(socket_.get(), true, writable, *this);
}

void Connection::OnReady(bool readable, bool writable) {
  if (writable && !closed_) Flush();
  if (readable && !leaving_ && !closed_) Read();
}

void Connection::Read() {
  const ssize_t size = recv(socket_.get(), scratch_.received.data(), scratch_.received.size(), 0);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return CloseLater(
        Fail(Code::kUnavailable, "reading: " + std::system_category().message(errno)));
  }
  if (size == 0) return CloseLater(Fail(Code::kUnavailable, "closed by the peer"));
  bytes_received_ += static_cast<std::uint64_t>(size);
  last_heard_ = loop_.clock().Now();
  const std::string_view bytes(scratch_.received.data(), static_cast<std::size_t>(size));
  if (tls_ == nullptr) {
    user_.OnBytes(bytes);
  } else {
    Decrypt(bytes);
  }
}

// Returns whether the stream is open.
bool Connection::Handshake(std::string_view& sealed) {
  std::string answer;
  const base::Result<bool> done = tls_->Handshake(sealed, answer);
  if (!answer.empty()) Send(answer);
  if (closed_) return false;
  if (!done) {
    CloseLater(done.error().In("TLS handshake"));
    return false;
  }
  if (!*done) return false;
  open_ = true;
  user_.OnOpen();
  return open();
}

void Connection::Decrypt(std::string_view sealed) {
  if (!open_ && !Handshake(sealed)) return;
  while (!leaving_ && !closed_) {
    const base::Result<std::size_t> size = tls_->Read(sealed, scratch_.plain);
    if (!size) {
      SayGoodbye();  // the alert that tells the peer what was wrong
      return CloseLater(size.error());
    }
    if (*size == 0) return;
    user_.OnBytes({scratch_.plain.data(), *size});
  }
}

void Connection::WantWrite() {
  if (open_ && pending_.empty()) ScheduleFlush();
}

void Connection::ScheduleFlush() {
  if (flush_scheduled_ || closed_) return;
  flush_scheduled_ = true;
  loop_.Defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    flush_scheduled_ = false;
    if (!closed_) Flush();
  });
}

void Connection::Flush() {
  if (!pending_.empty()) {
    std::string rest;
    rest.swap(pending_);
    Send(rest);
  }
  bool more = open_ && !closed_ && pending_.empty();
  for (int i = 0; i < kFillsPerTurn && more; ++i) more = FillOnce();
  if (leaving_ && !closed_) return Leave();
  // A task of a later turn: what is deferred now would run before any socket is looked at.
  if (more) {
    loop_.Post([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) ScheduleFlush();
    });
  }
}

// Returns whether there may be more to send now.
bool Connection::FillOnce() {
  std::string& unsent = scratch_.unsent;
  unsent.clear();
  user_.OnFill(unsent, fill_);
  if (unsent.empty()) return false;
  std::string& sealed = scratch_.sealed;
  sealed.clear();
  if (tls_ != nullptr) {
    if (const base::Status written = tls_->Write(unsent, sealed); !written) {
      CloseLater(written.error());
      return false;
    }
  }
  const bool taken = Send(tls_ == nullptr ? unsent : sealed);
  if (!taken) {
    fill_ = kLeastFill;
  } else if (unsent.size() >= fill_) {
    fill_ = std::min(2 * fill_, kMostFill);
  }
  return taken;
}

// Returns whether the socket took everything; what it did not take is kept in pending_.
bool Connection::Send(std::string_view rest) {
  if (!pending_.empty()) {
    pending_.append(rest);
    return false;
  }
  while (!rest.empty()) {
    const ssize_t size = send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      CloseLater(Fail(Code::kUnavailable, "writing: " + std::system_category().message(errno)));
      return false;
    }
    bytes_sent_ += static_cast<std::uint64_t>(size);
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  pending_.append(rest);
  UpdateInterest();
  return rest.empty();
}

void Connection::Close(const Error& why) {
  if (leaving_ || closed_) return;
  leaving_ = why;
  if (open_) {
    ScheduleFlush();
  } else {
    CloseLater(why);
  }
}

void Connection::Leave() {
  SayGoodbye();
  CloseLater(*leaving_);
}

void Connection::SayGoodbye() {
  if (tls_ == nullptr || !pending_.empty()) return;
  std::string goodbye;
  tls_->Close(goodbye);
  // Whether the peer still takes it changes nothing: the reason of the end is known already.
  const ssize_t size = send(socket_.get(), goodbye.data(), goodbye.size(), MSG_NOSIGNAL);
  if (size > 0) bytes_sent_ += static_cast<std::uint64_t>(size);
}

void Connection::CloseLater(const Error& why) {
  if (closed_) return;
  closed_ = true;
  open_ = false;
  loop_.Unwatch(socket_.get());
  socket_ = Fd();
  loop_.Defer([this, why, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) user_.OnClosed(why);
  });
}

}  // namespace postern::net
