#include "tests/support/tcp_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/event_loop.h"
#include "lib/base/mutex.h"
#include "tests/support/gate_connection.h"

namespace postern::support {
namespace {

constexpr int kBacklog = 4096;

// Bound without listening, a port refuses; listen() opens it again.
int Bind(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0, "the kernel gives a socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

std::uint16_t PortOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

// Lives on the gate's own thread; the public methods run their piece there and wait for it.
class TcpGate::Impl final : base::FdHandler {
 public:
  Impl(int listener, std::uint16_t target_port)
      : loop_(clock_), listener_(listener), port_(PortOf(listener)), target_port_(target_port) {
    Listen();
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~Impl() {
    Do([this] {
      connections_.clear();
      if (!refuses_) loop_.Unwatch(listener_);
    });
    loop_.Stop();
    thread_.join();
    close(listener_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::uint16_t port() const { return port_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t open() const { return open_; }
  GateRules& rules(Direction direction) { return rules_[static_cast<std::size_t>(direction)]; }

  // Runs `task` on the gate's thread and returns after it.
  void Do(const std::function<void()>& task) {
    base::Mutex mutex;
    base::CondVar changed;
    bool done = false;
    loop_.Post([&] {
      task();
      const base::MutexLock lock(mutex);
      done = true;
      changed.NotifyAll();
    });
    const base::MutexLock lock(mutex);
    while (!done) changed.Wait(mutex);
  }
  // Runs `task` there, then lets every connection look at its rules.
  void Change(const std::function<void()>& task) {
    Do([&] {
      task();
      for (auto& [number, connection] : connections_) connection.Pump();
    });
  }

  void Retarget(std::uint16_t port) { target_port_ = port; }
  void Refuse() {
    if (std::exchange(refuses_, true)) return;
    loop_.Unwatch(listener_);
    close(listener_);
    listener_ = Bind(port_);
    CHECK(listener_ >= 0, "a port that was just closed can be bound again");
  }
  void Reset() {
    for (auto& [number, connection] : connections_) connection.Close(Ending::kReset);
  }
  void Restore() {
    for (GateRules& rules : rules_) {
      rules.frozen = false;
      rules.bytes_per_second = 0;
      rules.delay = base::Duration::zero();
      rules.cut.reset();
    }
    if (std::exchange(refuses_, false)) Listen();
  }

 private:
  void Listen() {
    CHECK(listen(listener_, kBacklog) == 0, "a bound socket can listen");
    loop_.Watch(listener_, true, false, *this);
  }

  void OnReady(bool /*readable*/, bool /*writable*/) override {
    while (true) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      const std::uint64_t number = ++accepted_;
      ++open_;
      connections_.try_emplace(number, loop_, rules_, client, target_port_, [this, number] {
        connections_.erase(number);
        --open_;
      });
    }
  }

  base::SystemClock clock_;
  base::EventLoop loop_;
  int listener_;
  const std::uint16_t port_;
  std::uint16_t target_port_;
  bool refuses_ = false;
  GateConnection::Rules rules_;
  std::map<std::uint64_t, GateConnection> connections_;
  std::uint64_t accepted_ = 0;
  std::uint64_t open_ = 0;
  std::thread thread_;
};

base::Result<std::unique_ptr<TcpGate>> TcpGate::Open(std::uint16_t target_port) {
  const int listener = Bind(0);
  if (listener < 0) {
    return base::Fail(base::Code::kUnavailable,
                      "binding a port for a gate: " + std::system_category().message(errno));
  }
  return std::unique_ptr<TcpGate>(new TcpGate(std::make_unique<Impl>(listener, target_port)));
}

TcpGate::TcpGate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpGate::~TcpGate() = default;

std::uint16_t TcpGate::port() const { return impl_->port(); }
// Asked on the gate's thread: what a peer received is counted, for both happen in one task there.
std::uint64_t TcpGate::bytes(Direction direction) const {
  std::uint64_t moved = 0;
  impl_->Do([&] { moved = impl_->rules(direction).moved; });
  return moved;
}
std::uint64_t TcpGate::accepted() const {
  std::uint64_t count = 0;
  impl_->Do([&] { count = impl_->accepted(); });
  return count;
}
std::uint64_t TcpGate::open() const {
  std::uint64_t count = 0;
  impl_->Do([&] { count = impl_->open(); });
  return count;
}

void TcpGate::Retarget(std::uint16_t target_port) {
  impl_->Do([&] { impl_->Retarget(target_port); });
}
void TcpGate::Refuse() {
  impl_->Do([this] { impl_->Refuse(); });
}
void TcpGate::Reset() {
  impl_->Do([this] { impl_->Reset(); });
}
void TcpGate::Restore() {
  impl_->Change([this] { impl_->Restore(); });
}
void TcpGate::Freeze(Direction direction) {
  impl_->Change([&] { impl_->rules(direction).frozen = true; });
}
void TcpGate::Slow(Direction direction, std::uint64_t bytes_per_second) {
  CHECK(bytes_per_second > 0, "slow still moves; Freeze does not");
  impl_->Change([&] { impl_->rules(direction).bytes_per_second = bytes_per_second; });
}
void TcpGate::Delay(Direction direction, std::chrono::milliseconds by) {
  impl_->Change([&] { impl_->rules(direction).delay = by; });
}
void TcpGate::CutAfter(Direction direction, std::uint64_t bytes, Ending ending) {
  CHECK(bytes > 0, "a cut comes behind a byte; Reset needs none");
  impl_->Change([&] { impl_->rules(direction).cut = GateRules::Cut{bytes, ending}; });
}

}  // namespace postern::support
