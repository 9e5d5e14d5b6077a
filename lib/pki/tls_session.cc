#include "lib/pki/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/base/check.h"
#include "lib/pki/event.h"
#include "lib/pki/internal/openssl.h"
#include "lib/pki/internal/wire_bio.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;
using internal::WireLoan;

constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t kRecordOverhead = 22;  // header 5, type 1, tag 16

bool SpeaksHttp2(const SSL* session) {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session, &protocol, &size);
  return std::string_view(reinterpret_cast<const char*>(protocol), size) == "h2";
}

// Whether the oldest complaint is an alert that the peer sent.
bool PeerComplained() {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* session) const { SSL_free(session); }

TlsSession::TlsSession(const TlsContext& context, std::string_view sni)
    : ssl_(SSL_new(context.native())) {
  CHECK(ssl_ != nullptr, "memory is never short");
  BIO* bio = internal::NewWireBio();
  SSL_set_bio(ssl_.get(), bio, bio);
  if (context.is_server()) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  // Names that SNI cannot carry are dialled without: the peer's certificate decides, not SNI.
  if (!sni.empty()) SSL_set_tlsext_host_name(ssl_.get(), std::string(sni).c_str());
  ERR_clear_error();
}

base::Error TlsSession::End(int result, std::string_view what) {
  const int why = SSL_get_error(ssl_.get(), result);
  const bool alert = PeerComplained();
  base::Error error = Fail(Code::kUnavailable, std::string(what) + ": the peer closed the session");
  if (why != SSL_ERROR_ZERO_RETURN) {
    const std::string context = std::string(what) + (alert ? ": the peer ended the session" : "");
    error = internal::OpensslError(alert ? Code::kDenied : Code::kCorrupt, context);
  }
  ERR_clear_error();
  ended_ = std::make_unique<base::Error>(error);
  return error;
}

Result<bool> TlsSession::Handshake(std::string_view& ciphertext, std::string& out) {
  if (ended_) return *ended_;
  const WireLoan loan(SSL_get_rbio(ssl_.get()), &ciphertext, out);
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1 && SpeaksHttp2(ssl_.get())) return true;
  if (result == 1) {
    ended_ = std::make_unique<base::Error>(
        Fail(Code::kCorrupt, "TLS handshake: the peer chose no HTTP/2")
            .As(event::kHandshakeFailed));
    return *ended_;
  }
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return false;
  return End(result, "TLS handshake").As(event::kHandshakeFailed);
}

Result<std::size_t> TlsSession::Read(std::string_view& ciphertext, std::span<char> plain) {
  CHECK(!plain.empty(), "0 means that more ciphertext is needed");
  if (ended_) return *ended_;
  const WireLoan loan(SSL_get_rbio(ssl_.get()), &ciphertext, unsent_);
  ERR_clear_error();
  std::size_t filled = 0;
  while (filled < plain.size()) {
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), plain.data() + filled, plain.size() - filled, &got);
    filled += got;
    if (result == 1) continue;
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) break;
    const base::Error error = End(result, "reading from the peer");
    if (filled == 0) return error;
    break;  // what came before the end still counts; the next call tells of the end
  }
  return filled;
}

Status TlsSession::Write(std::string_view plain, std::string& out) {
  if (ended_) return *ended_;
  if (plain.empty()) return {};
  const std::size_t records = (plain.size() + kRecordBytes - 1) / kRecordBytes;
  out.reserve(out.size() + plain.size() + records * kRecordOverhead);
  const WireLoan loan(SSL_get_rbio(ssl_.get()), nullptr, out);
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  if (result != 1) return End(result, "writing to the peer");
  return {};
}

void TlsSession::Close(std::string& out) {
  out += unsent_;
  unsent_.clear();
  const bool peer_closed = (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  if (!ended_ || peer_closed) {
    const WireLoan loan(SSL_get_rbio(ssl_.get()), nullptr, out);
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  if (!ended_) ended_ = std::make_unique<base::Error>(Code::kUnavailable, "the session is closed");
}

std::vector<Certificate> TlsSession::PeerChain() const {
  std::vector<Certificate> chain;
  X509* leaf = SSL_get1_peer_certificate(ssl_.get());
  if (leaf == nullptr) return chain;
  chain.emplace_back(leaf);
  // A client's list holds the leaf, a server's does not.
  STACK_OF(X509)* sent = SSL_get_peer_cert_chain(ssl_.get());
  for (int i = SSL_is_server(ssl_.get()) ? 0 : 1; i < sk_X509_num(sent); ++i) {
    X509* certificate = sk_X509_value(sent, i);
    X509_up_ref(certificate);
    chain.emplace_back(certificate);
  }
  return chain;
}

bool TlsSession::has_peer_certificate() const {
  return SSL_get0_peer_certificate(ssl_.get()) != nullptr;
}

}  // namespace postern::pki
