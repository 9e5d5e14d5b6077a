// TlsContext: what all TLS sessions of one side have in common. TLS 1.3 and HTTP/2 only.
//
// TLS carries the certificates of both sides and checks nothing about them: VerifyPeer judges after
// the handshake. So one port serves links and members that have no certificate yet, and every
// refusal has a number and a sentence, where OpenSSL would only close.
//
//   ASSIGN_OR_RETURN(const TlsContext server, TlsContext::Server(credentials));
//   TlsSession session(server, "");
//
// Threads: immutable. Copies share the context; sessions keep what they need of it alive.
#pragma once

#include <memory>

#include "lib/base/result.h"
#include "lib/pki/credentials.h"

struct ssl_ctx_st;

namespace postern::pki {

class TlsContext {
 public:
  // Asks every client for a certificate and accepts clients without one. kInvalid, 20068 or 20069,
  // when the pair does not fit or OpenSSL refuses it.
  static base::Result<TlsContext> Server(const Credentials& own);
  // Shows `own` when asked.
  static base::Result<TlsContext> Client(const Credentials& own);
  // For enrolment, and for members that prove themselves with a token.
  static base::Result<TlsContext> ClientWithoutCertificate();

  bool is_server() const { return is_server_; }
  ssl_ctx_st* native() const { return context_.get(); }

 private:
  explicit TlsContext(bool is_server);

  bool is_server_;
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace postern::pki
