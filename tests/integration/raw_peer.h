// RawPeer: a connection on which a test says whatever it wants, with TLS or without.
//
//   POSTERN_ASSERT_OK_AND_ASSIGN(RawPeer peer, RawPeer::Connect(topology.otlp_port()));
//   peer.Send(raw::Hello());
//   EXPECT_TRUE(peer.EndsWithin(kSoon));
//
// Reads while it sends, so a peer that only listens or only talks never locks it up.
// Threads: loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http2/stream.h"
#include "lib/net/socket.h"
#include "lib/pki/tls_session.h"

namespace postern::integration {

class RawPeer {
 public:
  // To a port of 127.0.0.1.
  static base::Result<RawPeer> Connect(std::uint16_t port);
  // The next connection to `listener`; kTimeout where none comes soon.
  static base::Result<RawPeer> Accept(const net::Fd& listener);

  // Fails as TlsSession does, and with kUnavailable where the other side ended meanwhile.
  base::Status Handshake(const pki::TlsContext& context);

  // Whether all of it was taken before the other side ended, or stopped to read for `most`.
  bool Send(std::string_view bytes, base::Duration most = std::chrono::seconds(10));
  // What came since the last call; waits for at most `most` where there is nothing yet.
  std::string Read(base::Duration most);
  // Whether the other side ends the connection within `most`. What it says is dropped.
  bool EndsWithin(base::Duration most);
  bool ended() const { return ended_; }

 private:
  explicit RawPeer(net::Fd socket) : socket_(std::move(socket)) {}
  // Waits for the socket, at most until `until`; takes in what has come. False when time is over.
  bool Await(short events, base::Instant until);
  bool SendSealed(std::string_view bytes, base::Duration most);
  void Open();

  net::Fd socket_;
  std::optional<pki::TlsSession> tls_;
  bool secured_ = false;
  std::string sealed_;  // came and is not decrypted yet
  std::string plain_;   // came and is not read yet
  bool ended_ = false;
};

// Sends one HTTP/2 request, which stays open, and returns the headers of its answer: none where the
// other side ends the stream or the connection, or says nothing for a while.
std::map<std::string, std::string> Ask(RawPeer& peer, http2::Fields headers, std::string body);

}  // namespace postern::integration
