#include "lib/pki/internal/chain.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <chrono>
#include <string>

#include "lib/base/check.h"
#include "lib/pki/event.h"
#include "lib/pki/host_name.h"
#include "lib/pki/internal/leaf_rules.h"
#include "lib/pki/internal/openssl.h"

namespace postern::pki::internal {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

constexpr int kMostCas = 8;

// The stack only borrows: the vectors of the caller own the certificates.
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;
using ContextPtr = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;

void Push(STACK_OF(X509) * stack, const std::vector<Certificate>& certificates) {
  for (const Certificate& certificate : certificates) {
    CHECK(sk_X509_push(stack, certificate.native()) > 0, "memory is never short");
  }
}

bool IsLeft(int error, int depth) {
  // leaf_rules.h tells more about these, and tells them apart.
  return depth == 0 &&
         (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID ||
          error == X509_V_ERR_INVALID_PURPOSE);
}

int OnFinding(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  return IsLeft(X509_STORE_CTX_get_error(context), X509_STORE_CTX_get_error_depth(context)) ? 1 : 0;
}

std::string SubjectAtFault(X509_STORE_CTX* context, const std::vector<Certificate>& chain) {
  X509* at = X509_STORE_CTX_get_current_cert(context);
  if (at == nullptr) return Printable(chain.front().subject());
  X509_up_ref(at);
  return Printable(Certificate(at).subject());
}

base::Error Explain(X509_STORE_CTX* context, const std::vector<Certificate>& chain) {
  const int error = X509_STORE_CTX_get_error(context);
  const std::string subject = SubjectAtFault(context, chain);
  switch (error) {
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
      return Fail(Code::kDenied, "more CAs than allowed stand below " + subject)
          .As(event::kPathLengthExceeded);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Fail(Code::kExpired, "the CA " + subject + " is not valid at this time")
          .As(event::kRemoteNotTrusted);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return Fail(Code::kDenied, "the certificate " + subject + " is signed by itself alone")
          .As(event::kRemoteNotTrusted);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return Fail(Code::kDenied, "the certificate " + subject + " was signed by " +
                                     Printable(chain.front().issuer()) +
                                     ", which is not trusted here")
          .As(event::kRemoteNotTrusted);
    default:
      return Fail(Code::kDenied, "the certificate " + subject +
                                     " is not trusted: " + X509_verify_cert_error_string(error))
          .As(event::kRemoteNotTrusted);
  }
}

Status CheckCas(const std::vector<Certificate>& path) {
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (const Finding finding = CheckSignature(path[i])) return *finding;
    const Certificate& issuer = path[i + 1];
    if (const Finding finding = CheckIssuerKey(issuer)) return *finding;
    // OpenSSL looked for the server's purpose; ours are always both.
    if (X509_check_purpose(issuer.native(), X509_PURPOSE_SSL_CLIENT, 1) != 1) {
      return Fail(Code::kDenied,
                  "the CA " + Printable(issuer.subject()) + " may not vouch for clients")
          .As(event::kRemoteNotTrusted);
    }
  }
  return {};
}

std::vector<Certificate> PathOf(X509_STORE_CTX* context) {
  STACK_OF(X509)* found = X509_STORE_CTX_get0_chain(context);
  std::vector<Certificate> path;
  for (int i = 0; i < sk_X509_num(found); ++i) {
    X509* certificate = sk_X509_value(found, i);
    X509_up_ref(certificate);
    path.emplace_back(certificate);
  }
  return path;
}

void SetParameters(X509_STORE_CTX* context, base::WallTime now) {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(now));
  X509_VERIFY_PARAM_set_depth(parameters, kMostCas);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  // A CA of ours is an anchor even where it stands below a root that we do not hold.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_CTX_set_verify_cb(context, OnFinding);
}

}  // namespace

Result<std::vector<Certificate>> FindPath(const std::vector<Certificate>& chain, const Trust& trust,
                                          base::WallTime now) {
  CHECK(!chain.empty(), "there is a leaf to verify");
  const StackPtr trusted(sk_X509_new_null());
  const StackPtr offered(sk_X509_new_null());
  Push(trusted.get(), trust.roots);
  if (trust.anchor == Anchor::kIssuer) {
    Push(trusted.get(), trust.intermediates);
  } else {
    Push(offered.get(), trust.intermediates);
    Push(offered.get(), chain);
  }

  const ContextPtr context(X509_STORE_CTX_new());
  const int ready =
      X509_STORE_CTX_init(context.get(), nullptr, chain.front().native(), offered.get());
  CHECK(ready == 1, "memory is never short");
  X509_STORE_CTX_set0_trusted_stack(context.get(), trusted.get());
  SetParameters(context.get(), now);
  const bool found = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (!found) return Explain(context.get(), chain);

  std::vector<Certificate> path = PathOf(context.get());
  if (path.size() < 2) {
    return Fail(Code::kDenied, "a root of ours was shown as if it were a member's certificate")
        .As(event::kRemoteNotTrusted);
  }
  RETURN_IF_ERROR(CheckCas(path));
  return path;
}

}  // namespace postern::pki::internal
