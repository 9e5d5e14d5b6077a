// Transport: an HTTP/2 session on a connection: bytes in to the session, its output to the socket.
//
// It closes when the session is finished. The owner destroys it after `on_closed`, from a task of
// its own.
//
// Threads: loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/http2/session.h"
#include "lib/net/connection.h"

namespace postern::http2 {

class Transport final : private net::Connection::User {
 public:
  struct Hooks {
    // The stream is usable (after the TLS handshake, where there is one): the moment to verify the
    // peer, before any of its bytes reach the session.
    std::function<void()> on_open;
    std::function<void(const base::Error&)> on_closed;
  };

  Transport(base::Loop& loop, net::Fd socket, std::unique_ptr<pki::TlsSession> tls,
            net::Scratch& scratch, std::unique_ptr<Session> session, Hooks hooks);

  void Start() { connection_.Start(); }
  // Something was submitted to the session: it goes out at the end of this turn.
  void Flush() { connection_.WantWrite(); }
  void Close(const base::Error& why) { connection_.Close(why); }
  // Closes without a word of HTTP/2: to a peer that must learn nothing.
  void Abandon(const base::Error& why) {
    mute_ = true;
    connection_.Close(why);
  }

  Session& session() { return *session_; }
  net::Connection& connection() { return connection_; }

 private:
  void OnOpen() override { hooks_.on_open(); }
  void OnBytes(std::string_view bytes) override;
  void OnFill(std::string& out, std::size_t most) override;
  void OnClosed(const base::Error& why) override { hooks_.on_closed(why); }

  std::unique_ptr<Session> session_;
  Hooks hooks_;
  bool mute_ = false;
  net::Connection connection_;
};

}  // namespace postern::http2
