#include "lib/http/testing/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>

namespace postern::http {

RawConnection::RawConnection(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience = {.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
  ::close(fd_);
  fd_ = -1;
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) ::close(fd_);
}

bool RawConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawConnection::EndSending() { ::shutdown(fd_, SHUT_WR); }

std::string RawConnection::ReadUntil(std::string_view mark) {
  std::string text;
  std::array<char, 16384> chunk{};
  while (mark.empty() || text.find(mark) == std::string::npos) {
    const ssize_t size = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (size <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(size));
  }
  return text;
}

std::string RawConnection::ReadToEnd() { return ReadUntil({}); }

bool RawConnection::HasNews(int milliseconds) const {
  pollfd wanted = {fd_, POLLIN, 0};
  return ::poll(&wanted, 1, milliseconds) > 0;
}

std::string Reply::Header(std::string_view name) const {
  const std::string mark = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t start = at + mark.size();
  return head.substr(start, head.find("\r\n", start) - start);
}

Reply ParseReply(std::string_view text) {
  Reply reply;
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || end == std::string_view::npos) return reply;
  std::from_chars(text.data() + 9, text.data() + 12, reply.status);
  reply.head = text.substr(0, end + 2);
  reply.body = text.substr(end + 4);
  return reply;
}

std::string Exchange(int port, std::string_view bytes) {
  RawConnection connection(port);
  if (!connection.connected()) return {};
  connection.Send(bytes);
  connection.EndSending();
  return connection.ReadToEnd();
}

Reply Ask(int port, std::string_view method, std::string_view path, std::string_view headers,
          std::string_view body) {
  std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\n";
  request.append("Host: localhost\r\nConnection: close\r\n").append(headers);
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request.append("\r\n").append(body);
  RawConnection connection(port);
  if (!connection.connected()) return {};
  connection.Send(request);
  return ParseReply(connection.ReadToEnd());
}

Reply Get(int port, std::string_view path) { return Ask(port, "GET", path); }

}  // namespace postern::http
