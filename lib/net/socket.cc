#include "lib/net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "lib/pki/event.h"

namespace postern::net {

using base::Code;
using base::Fail;
using base::Result;

namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn
constexpr int kUnsentInKernel = 64 * 1024;

void SetOption(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

// Whatever the system says: another address, or a later try, may succeed.
base::Error ConnectError(const SocketAddress& address, int error) {
  return Fail(Code::kUnavailable,
              "connecting to " + address.text() + ": " + std::system_category().message(error))
      .As(pki::event::kConnectFailed);
}

Code CodeOf(int error) {
  switch (error) {
    case EADDRINUSE: return Code::kConflict;
    case EACCES:
    case EPERM: return Code::kDenied;
    case EADDRNOTAVAIL: return Code::kInvalid;
    case EMFILE:
    case ENFILE: return Code::kExhausted;
    default: return Code::kUnavailable;
  }
}

base::Error SystemError(const std::string& attempt, int error, const char* remedy = "") {
  return Fail(CodeOf(error), attempt + ": " + std::system_category().message(error) + remedy);
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Result<Fd> Listen(const SocketAddress& address) {
  Fd socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // A kernel that was started without IPv6 has only the other kind of "every address".
  if (!socket.open() && errno == EAFNOSUPPORT && address.ip() == "::") {
    return Listen(*SocketAddress::FromIp("0.0.0.0", address.port()));
  }
  if (!socket.open()) return SystemError("opening a socket for " + address.text(), errno);
  SetOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6) SetOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (bind(socket.get(), address.raw(), address.size()) != 0 ||
      listen(socket.get(), kBacklog) != 0) {
    const char* remedy = errno == EADDRINUSE ? "; stop what listens there or choose another port"
                         : errno == EACCES   ? "; ports below 1024 need a privilege"
                         : errno == EADDRNOTAVAIL ? "; this machine has no such address"
                                                  : "";
    return SystemError("listening on " + address.text(), errno, remedy);
  }
  return socket;
}

Result<Fd> StartConnect(const SocketAddress& address) {
  Fd socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) return SystemError("opening a socket to " + address.text(), errno);
  if (connect(socket.get(), address.raw(), address.size()) != 0 && errno != EINPROGRESS) {
    return ConnectError(address, errno);
  }
  return socket;
}

base::Status ConnectOutcome(const Fd& socket, const SocketAddress& address) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return {};
  return ConnectError(address, error);
}

void TuneStream(const Fd& socket) {
  SetOption(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentInKernel);
  SetOption(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
}

}  // namespace postern::net
