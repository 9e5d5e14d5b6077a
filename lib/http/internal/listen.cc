#include "lib/http/internal/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

namespace postern::http::internal {
namespace {

using base::Code;
using base::Error;
using base::Fail;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::optional<Address> ParseAddress(const std::string& text, int port) {
  Address address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<std::uint16_t>(port));
  address.size = sizeof v6;
  std::memcpy(&address.storage, &v6, sizeof v6);
  return address;
}

// What went wrong with the socket, and what can be done about it.
Error Explain(int cause, const std::string& where) {
  const std::string attempt = "listen on " + where + ": ";
  switch (cause) {
    case EADDRINUSE:
      return Fail(Code::kConflict,
                  attempt + "another program has the port; stop it or choose another port");
    case EACCES: return Fail(Code::kDenied, attempt + "not permitted; choose a port above 1023");
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return Fail(Code::kUnavailable, attempt + "this machine does not have the address");
    default: return Fail(Code::kInternal, attempt + std::generic_category().message(cause));
  }
}

int PortOf(int fd) {
  Address bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) return 0;
  // The port stands at the same place for both kinds of address.
  sockaddr_in v4{};
  std::memcpy(&v4, &bound.storage, sizeof v4);
  return ntohs(v4.sin_port);
}

}  // namespace

base::Result<Listening> Listen(const std::string& address, int port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  const std::string where = (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
  if (port < 0 || port > 65535) {
    return Fail(Code::kInvalid, "listen on " + where + ": a port is a number from 0 to 65535");
  }
  const std::optional<Address> parsed = ParseAddress(address, port);
  if (!parsed) {
    return Fail(Code::kInvalid,
                "listen on " + where + ": an IPv4 or IPv6 address is needed, not a name");
  }
  const int fd = ::socket(parsed->get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Explain(errno, where);
  // Else a restart would wait for the old connections' TIME_WAIT.
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (is_v6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, parsed->get(), parsed->size) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    Error error = Explain(errno, where);
    ::close(fd);
    return error;
  }
  return Listening{.fd = fd, .port = PortOf(fd)};
}

}  // namespace postern::http::internal
