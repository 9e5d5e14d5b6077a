#include "lib/net/listener.h"

#include <cerrno>
#include <optional>
#include <utility>

namespace postern::net {
namespace {

constexpr int kAcceptsPerTurn = 64;  // links that already work get their turn in between
constexpr base::Duration kRestWithoutDescriptors = std::chrono::milliseconds(100);

}  // namespace

Listener::Listener(base::Loop& loop, Fd socket, const Intake::Limits& limits, OnSocket on_socket,
                   std::function<void()> on_refused)
    : loop_(loop),
      socket_(std::move(socket)),
      address_(SocketAddress::LocalOf(socket_.get())),
      intake_(limits),
      on_socket_(std::move(on_socket)),
      on_refused_(std::move(on_refused)) {
  loop_.Watch(socket_.get(), true, false, *this);
}

Listener::~Listener() { Stop(); }

void Listener::Stop() {
  if (stopped_) return;
  stopped_ = true;
  loop_.Unwatch(socket_.get());
  socket_ = Fd();
}

void Listener::OnReady(bool /*readable*/, bool /*writable*/) {
  for (int i = 0; i < kAcceptsPerTurn && !stopped_; ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* raw = reinterpret_cast<sockaddr*>(&storage);
    Fd accepted(accept4(socket_.get(), raw, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted.open()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) Rest();
      return;
    }
    const SocketAddress peer(raw, size);
    std::optional<Intake::Pass> pass = intake_.Admit(peer.ip());
    if (!pass) {
      on_refused_();
      continue;
    }
    TuneStream(accepted);
    on_socket_(std::move(accepted), peer, std::move(*pass));
  }
}

// Without descriptors the pending socket stays readable: accepting again at once would spin.
void Listener::Rest() {
  on_refused_();
  loop_.Update(socket_.get(), false, false, *this);
  rest_ = loop_.PostAfter(kRestWithoutDescriptors, [this] {
    if (!stopped_) loop_.Update(socket_.get(), true, false, *this);
  });
}

}  // namespace postern::net
