#include "lib/pki/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>

#include "lib/base/check.h"
#include "lib/pki/event.h"
#include "lib/pki/internal/openssl.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

// AES first: both sides have it in hardware, where 128 bits cost least.
constexpr char kCiphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";
// PKCS#1 signs no TLS 1.3 handshake; it is listed for the certificates of RSA CAs.
constexpr char kSignatures[] =
    "ECDSA+SHA256:ECDSA+SHA384:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";
constexpr std::array<unsigned char, 3> kHttp2 = {2, 'h', '2'};
constexpr long kMostChainBytes = 32 * 1024;

int BelieveNothingYet(X509_STORE_CTX* context, void*) {
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

int ChooseHttp2(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* match = nullptr;
  const int found = SSL_select_next_proto(&match, chosen_size, kHttp2.data(), kHttp2.size(),
                                          offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = match;
  return SSL_TLSEXT_ERR_OK;
}

// OpenSSL asks ChooseHttp2 only if the client names protocols at all; one that does not is no peer.
int RequireProtocols(SSL* session, int* alert, void*) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  const unsigned kind = TLSEXT_TYPE_application_layer_protocol_negotiation;
  if (SSL_client_hello_get0_ext(session, kind, &data, &size) == 1) return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

void SaveMemory(SSL_CTX* context) {
  // Thousands of idle sessions: no buffer between records, nothing kept for resumption.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

void SetProtocol(SSL_CTX* context, bool is_server) {
  const bool set = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_ciphersuites(context, kCiphers) == 1 &&
                   SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
                   SSL_CTX_set1_sigalgs_list(context, kSignatures) == 1;
  CHECK(set, "this OpenSSL knows TLS 1.3 and the names above");
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  if (is_server) {
    SSL_CTX_set_alpn_select_cb(context, ChooseHttp2, nullptr);
    SSL_CTX_set_client_hello_cb(context, RequireProtocols, nullptr);
  } else {
    SSL_CTX_set_alpn_protos(context, kHttp2.data(), kHttp2.size());
  }
}

Status Show(SSL_CTX* context, const Credentials& own) {
  if (own.chain.empty()) {
    return Fail(Code::kInvalid, "there is no certificate to show").As(event::kNoCertificate);
  }
  if (!own.key || !own.key->Matches(own.chain.front())) {
    return Fail(Code::kInvalid, "the certificate's private key is missing")
        .As(event::kPrivateKeyMissing);
  }
  bool taken = SSL_CTX_use_certificate(context, own.chain.front().native()) == 1 &&
               SSL_CTX_use_PrivateKey(context, own.key->native()) == 1;
  for (std::size_t i = 1; i < own.chain.size(); ++i) {
    taken = taken && SSL_CTX_add1_chain_cert(context, own.chain[i].native()) == 1;
  }
  if (taken) return {};
  return internal::OpensslError(Code::kInvalid, "taking the certificate and key for TLS")
      .As(event::kUnsuitableKey);
}

}  // namespace

TlsContext::TlsContext(bool is_server)
    : is_server_(is_server),
      context_(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()), SSL_CTX_free) {
  CHECK(context_ != nullptr, "memory is never short");
  SetProtocol(native(), is_server);
  SaveMemory(native());
  SSL_CTX_set_verify(native(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(native(), BelieveNothingYet, nullptr);
  SSL_CTX_set_max_cert_list(native(), kMostChainBytes);
  // Only what is in our chain is sent: no search for missing CAs in the (empty) store.
  SSL_CTX_set_mode(native(), SSL_MODE_NO_AUTO_CHAIN);
  // No read-ahead: a WireBio saves no system call by it (measured: no difference), and what is not
  // needed yet stays with the caller, where it is seen.
  SSL_CTX_set_read_ahead(native(), 0);
}

Result<TlsContext> TlsContext::Server(const Credentials& own) {
  TlsContext context(true);
  RETURN_IF_ERROR(Show(context.native(), own));
  return context;
}

Result<TlsContext> TlsContext::Client(const Credentials& own) {
  TlsContext context(false);
  RETURN_IF_ERROR(Show(context.native(), own));
  return context;
}

Result<TlsContext> TlsContext::ClientWithoutCertificate() { return TlsContext(false); }

}  // namespace postern::pki
