#include "lib/http/server.h"

#include <microhttpd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "lib/base/check.h"
#include "lib/http/internal/request_reader.h"

namespace postern::http {
namespace {

using base::Code;
using base::Duration;
using base::Fail;
using base::Instant;

// One request on its way; the library carries the pointer.
struct Exchange {
  Request request;
  bool too_large = false;
};

// Signals belong to the program's main thread; a client that hangs up is no reason to die of
// SIGPIPE.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

// Turns the library's crank on a thread of our own instead of one of the library's: only so can a
// client that keeps sending a byte in time be cut off, and answers on their way be waited for.
//
// Everything but Stop runs on that thread, from Run on.
class Server::Worker {
 public:
  Worker(const Options& options, Handler handler)
      : options_(options), handler_(std::move(handler)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    CHECK(stop_ >= 0, "the kernel has an event descriptor for us");
  }
  ~Worker() {
    if (thread_.joinable()) {
      const std::uint64_t one = 1;
      CHECK(::write(stop_, &one, sizeof one) == sizeof one, "an event descriptor takes a one");
      thread_.join();
    }
    if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
    ::close(stop_);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  base::Status Start(net::Fd socket);

 private:
  struct Open {
    int fd;
    Instant deadline;
  };

  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* path,
                              const char* method, const char* version, const char* data,
                              std::size_t* size, void** exchange) noexcept;
  static void OnCompleted(void* self, MHD_Connection* connection, void** exchange,
                          MHD_RequestTerminationCode how) noexcept;
  static void OnConnection(void* self, MHD_Connection* connection, void** unused,
                           MHD_ConnectionNotificationCode what) noexcept;

  MHD_Result Begin(MHD_Connection* connection, const char* method, const char* path,
                   void** exchange);
  MHD_Result Finish(MHD_Connection* connection, const Exchange& exchange);

  void Run();
  void Drain();
  // Waits for something to do and does it; whether Stop was asked for.
  bool Turn(Instant until);
  void CutOverdue(Instant now);
  Instant NextDeadline() const;

  const Options options_;
  const Handler handler_;
  const int stop_;
  MHD_Daemon* daemon_ = nullptr;
  int ready_ = -1;  // the library's epoll descriptor
  std::unordered_map<MHD_Connection*, Open> open_;
  int under_way_ = 0;
  bool closed_one_ = false;
  std::thread thread_;
};

base::Status Server::Worker::Start(net::Fd socket) {
  // The library owns the socket from here on.
  daemon_ = MHD_start_daemon(
      MHD_USE_EPOLL, 0, nullptr, nullptr, &OnRequest, this, MHD_OPTION_LISTEN_SOCKET,
      static_cast<MHD_socket>(socket.Release()), MHD_OPTION_CONNECTION_LIMIT, options_.connections,
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, options_.connections_per_address,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, options_.head_bytes, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_NOTIFY_COMPLETED, &OnCompleted, this, MHD_OPTION_NOTIFY_CONNECTION, &OnConnection,
      this, MHD_OPTION_END);
  if (daemon_ == nullptr) return Fail(Code::kInternal, "start libmicrohttpd: it gave no reason");
  const MHD_DaemonInfo* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  CHECK(info != nullptr, "a server on epoll has its descriptor");
  ready_ = info->epoll_fd;
  thread_ = std::thread([this] { Run(); });
  return {};
}

// NOLINTNEXTLINE(readability-function-size): the parameters are the library's.
MHD_Result Server::Worker::OnRequest(void* self, MHD_Connection* connection, const char* path,
                                     const char* method, const char* /*version*/, const char* data,
                                     std::size_t* size, void** exchange) noexcept {
  auto& worker = *static_cast<Worker*>(self);
  if (*exchange == nullptr) return worker.Begin(connection, method, path, exchange);
  auto& current = *static_cast<Exchange*>(*exchange);
  if (*size == 0) return worker.Finish(connection, current);
  // In chunks there is no length to refuse by: the rest is read and dropped, until the deadline.
  current.too_large |= current.request.body.size() + *size > worker.options_.body_bytes;
  if (!current.too_large) current.request.body.append(data, *size);
  *size = 0;
  return MHD_YES;
}

MHD_Result Server::Worker::Begin(MHD_Connection* connection, const char* method, const char* path,
                                 void** exchange) {
  auto current = std::make_unique<Exchange>();
  current->request = internal::ReadHead(connection, method, path);
  current->too_large = internal::AnnouncesMoreThan(current->request, options_.body_bytes);
  Exchange& kept = *current;
  *exchange = current.release();  // OnCompleted takes it back
  ++under_way_;
  return kept.too_large ? Finish(connection, kept) : MHD_YES;
}

MHD_Result Server::Worker::Finish(MHD_Connection* connection, const Exchange& exchange) {
  if (!exchange.too_large) return internal::Queue(connection, handler_(exchange.request));
  const std::string most = std::to_string(options_.body_bytes);
  return internal::Queue(connection,
                         {.status = 413, .body = "a body has at most " + most + " bytes here\n"});
}

void Server::Worker::OnCompleted(void* self, MHD_Connection* connection, void** exchange,
                                 MHD_RequestTerminationCode /*how*/) noexcept {
  if (*exchange == nullptr) return;
  const std::unique_ptr<Exchange> done(static_cast<Exchange*>(std::exchange(*exchange, nullptr)));
  auto& worker = *static_cast<Worker*>(self);
  --worker.under_way_;
  const auto place = worker.open_.find(connection);
  if (place == worker.open_.end()) return;
  place->second.deadline = std::chrono::steady_clock::now() + worker.options_.timeout;
}

void Server::Worker::OnConnection(void* self, MHD_Connection* connection, void** /*unused*/,
                                  MHD_ConnectionNotificationCode what) noexcept {
  auto& worker = *static_cast<Worker*>(self);
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    worker.open_.erase(connection);
    worker.closed_one_ = true;
    return;
  }
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  CHECK(info != nullptr, "a connection has its descriptor");
  const Instant deadline = std::chrono::steady_clock::now() + worker.options_.timeout;
  worker.open_.emplace(connection, Open{info->connect_fd, deadline});
}

void Server::Worker::Run() {
  BlockSignals();
  while (!Turn(Instant::max())) {
  }
  Drain();
}

void Server::Worker::Drain() {
  const MHD_socket listening = MHD_quiesce_daemon(daemon_);
  if (listening != MHD_INVALID_SOCKET) ::close(listening);
  const Instant end = std::chrono::steady_clock::now() + options_.grace;
  while (under_way_ > 0 && std::chrono::steady_clock::now() < end) Turn(end);
}

bool Server::Worker::Turn(Instant until) {
  std::array<pollfd, 2> wanted = {{{ready_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  const Instant now = std::chrono::steady_clock::now();
  const Instant next = std::min(until, NextDeadline());
  int wait = -1;
  if (next != Instant::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    wait = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  // Zero where the library holds bytes that it has not looked at; it has no other timers here.
  MHD_UNSIGNED_LONG_LONG library_wait = 0;
  if (MHD_get_timeout(daemon_, &library_wait) == MHD_YES && library_wait == 0) wait = 0;
  // A full server does not listen, and the library notices only at its next turn that it may again:
  // without that turn a server that was full once would never answer any more.
  if (std::exchange(closed_one_, false)) wait = 0;

  // While draining only the library counts: the stop was read, so to say, and stays readable.
  const nfds_t count = until == Instant::max() ? 2 : 1;
  ::poll(wanted.data(), count, wait);
  CutOverdue(std::chrono::steady_clock::now());
  MHD_run(daemon_);
  return wanted[1].revents != 0;
}

Instant Server::Worker::NextDeadline() const {
  Instant next = Instant::max();
  for (const auto& [connection, open] : open_) next = std::min(next, open.deadline);
  return next;
}

// The library notices a socket that was shut down as one whose client has gone, and closes it.
void Server::Worker::CutOverdue(Instant now) {
  for (auto& [connection, open] : open_) {
    if (open.deadline > now) continue;
    ::shutdown(open.fd, SHUT_RDWR);
    open.deadline = Instant::max();
  }
}

base::Result<std::unique_ptr<Server>> Server::Start(net::Fd socket, const Options& options,
                                                    Handler handler) {
  const std::uint16_t port = net::SocketAddress::LocalOf(socket.get()).port();
  auto worker = std::make_unique<Worker>(options, std::move(handler));
  RETURN_IF_ERROR(worker->Start(std::move(socket)));
  return std::unique_ptr<Server>(new Server(std::move(worker), port));
}

Server::Server(std::unique_ptr<Worker> worker, std::uint16_t port)
    : worker_(std::move(worker)), port_(port) {}

Server::~Server() = default;

}  // namespace postern::http
