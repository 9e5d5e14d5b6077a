// Addresses as people write them, "gw1.example:5723" or "[::1]:0", and as the kernel takes them.
//
// Threads: immutable.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace postern::net {

struct HostPort {
  std::string host;  // a name or an IP address, without brackets
  std::uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

// Reads "host:port", "host" (then `default_port`), "[v6]:port" or a bare IPv6 address. kInvalid
// names the text and the fault.
base::Result<HostPort> ParseHostPort(std::string_view text, std::uint16_t default_port);

// An IP address and port. Value type.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* address, socklen_t size);

  // `ip` must be numeric; "" is every address of this machine. kInvalid otherwise.
  static base::Result<SocketAddress> FromIp(std::string_view ip, std::uint16_t port);
  // The local end of a socket.
  static SocketAddress LocalOf(int fd);

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;
  // "192.0.2.7" or "2001:db8::1"; without the port: what limits by address count by.
  std::string ip() const;
  // "192.0.2.7:5723" or "[2001:db8::1]:5723".
  std::string text() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// Looks a name up, blocking, through the system's resolver; an IP address needs no look-up.
// kUnavailable with event 21005 where it cannot be resolved.
base::Result<std::vector<SocketAddress>> ResolveBlocking(const HostPort& target);

}  // namespace postern::net
