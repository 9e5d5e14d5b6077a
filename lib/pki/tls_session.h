// TlsSession: the TLS of one connection, between bytes of the wire and bytes of the program.
//
// Not a connection: it knows no socket, no time and no trust. It takes what came and hands out what
// is to be sent, and keeps no buffer while nothing is under way.
//
//   TlsSession session(context, "ms1.example");
//   session.Handshake(received, to_send);          // until it returns true; `to_send` goes out
//   VerifyPeer(session.PeerChain(), …);            // nobody has checked the peer before this
//   session.Write("hello", to_send);
//   while (*session.Read(received, buffer) > 0) …  // also right after the handshake
//
// Threads: loop.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/pki/certificate.h"
#include "lib/pki/tls_context.h"

struct ssl_st;

namespace postern::pki {

class TlsSession {
 public:
  // `sni` is the host that a client dials; empty for servers and addresses.
  TlsSession(const TlsContext& context, std::string_view sni);
  TlsSession(TlsSession&&) noexcept = default;
  TlsSession& operator=(TlsSession&&) noexcept = default;
  ~TlsSession() = default;

  // Takes from the front of `ciphertext` what it can use, appends what the peer must get to `out`,
  // and returns whether the handshake is done. Start a client with no ciphertext. Fails with 20071,
  // kDenied where the peer refused and kCorrupt where it does not speak our TLS; `out` then ends
  // with the alert for the peer. Once done, what is left of `ciphertext` is for Read.
  base::Result<bool> Handshake(std::string_view& ciphertext, std::string& out);

  // Takes ciphertext and fills the front of `plain`; returns how much, 0 when more ciphertext is
  // needed. May leave ciphertext, and keep some inside, when `plain` is full: call it again, until
  // 0, before waiting for the socket. kUnavailable once the peer closed, kCorrupt for damaged bytes
  // (the alert goes out with Close). Requires a finished handshake and room in `plain`.
  base::Result<std::size_t> Read(std::string_view& ciphertext, std::span<char> plain);

  // Encrypts all of `plain` and appends it to `out`. Fails as Read did once the session has ended.
  // Requires a finished handshake.
  base::Status Write(std::string_view plain, std::string& out);

  // Appends the end of our side to `out`, or the alert that a failed Read left.
  void Close(std::string& out);

  // Returns what the peer showed, leaf first; empty where it showed nothing. It is not verified.
  std::vector<Certificate> PeerChain() const;
  bool has_peer_certificate() const;

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };

  // Ends the session with what OpenSSL says about `result`.
  base::Error End(int result, std::string_view what);

  std::unique_ptr<ssl_st, Free> ssl_;
  std::string unsent_;                  // what OpenSSL wrote during Read: an alert
  std::unique_ptr<base::Error> ended_;  // why no more can be read or written
};

}  // namespace postern::pki
