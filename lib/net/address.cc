#include "lib/net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>

#include "lib/base/check.h"
#include "lib/pki/event.h"

namespace postern::net {

using base::Code;
using base::Fail;
using base::Result;

namespace {

Result<std::uint16_t> ParsePort(std::string_view text, std::string_view whole) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(Code::kInvalid,
                "address \"" + std::string(whole) + "\": the port is not a number from 0 to 65535");
  }
  return port;
}

}  // namespace

Result<HostPort> ParseHostPort(std::string_view text, std::uint16_t default_port) {
  HostPort parsed{.host = "", .port = default_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return Fail(Code::kInvalid, "address \"" + std::string(text) + "\": \"[\" without \"]\"");
    }
    parsed.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) {
      return Fail(Code::kInvalid,
                  "address \"" + std::string(text) + "\": only \":port\" may follow \"]\"");
    }
  } else {
    const std::size_t colon = text.rfind(':');
    const bool bare_ipv6 = colon != text.find(':');
    parsed.host = bare_ipv6 ? text : text.substr(0, colon);
    if (!bare_ipv6 && colon != std::string_view::npos) port = text.substr(colon);
  }
  if (parsed.host.empty()) {
    return Fail(Code::kInvalid, "address \"" + std::string(text) + "\": the host is missing");
  }
  if (!port.empty()) {
    ASSIGN_OR_RETURN(parsed.port, ParsePort(port.substr(1), text));
  }
  return parsed;
}

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) : size_(size) {
  CHECK(size <= sizeof storage_, "a socket address fits its storage");
  std::memcpy(&storage_, address, size);
}

Result<SocketAddress> SocketAddress::FromIp(std::string_view ip, std::uint16_t port) {
  const std::string text(ip.empty() ? "::" : ip);
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  }
  return Fail(Code::kInvalid, "\"" + text + "\" is not an IP address");
}

SocketAddress SocketAddress::LocalOf(int fd) {
  SocketAddress local;
  local.size_ = sizeof local.storage_;
  getsockname(fd, reinterpret_cast<sockaddr*>(&local.storage_), &local.size_);
  return local;
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string SocketAddress::ip() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET6) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
    // A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d; limits must not see two addresses.
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
      inet_ntop(AF_INET, &address.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &address, text.data(), text.size());
    }
  } else {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text.data(),
              text.size());
  }
  return text.data();
}

std::string SocketAddress::text() const {
  const std::string address = ip();
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port());
}

Result<std::vector<SocketAddress>> ResolveBlocking(const HostPort& target) {
  // Not through the resolver: AI_ADDRCONFIG there refuses "::1" where only IPv4 has a route.
  if (const auto numeric = SocketAddress::FromIp(target.host, target.port)) {
    return std::vector{*numeric};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found);
  if (failed != 0) {
    return Fail(Code::kUnavailable, "resolving \"" + target.host + "\": " + gai_strerror(failed))
        .As(pki::event::kNameNotResolved);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
  }
  return addresses;
}

}  // namespace postern::net
