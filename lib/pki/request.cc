#include "lib/pki/request.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>

#include "lib/pki/host_name.h"
#include "lib/pki/internal/leaf_rules.h"
#include "lib/pki/internal/openssl.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

constexpr std::size_t kMostPemBytes = 16 * 1024;
constexpr std::size_t kMostDnsNames = 64;

struct FreeExtensions {
  void operator()(STACK_OF(X509_EXTENSION) * list) const {
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
  }
};
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions>;

Status CheckNames(const std::string& host, const std::vector<std::string>& dns_names) {
  if (!IsHostName(host)) {
    return Fail(Code::kInvalid, "the request names no host: " + Printable(host));
  }
  if (dns_names.size() > kMostDnsNames) return Fail(Code::kInvalid, "more than 64 DNS names");
  const auto bad = std::ranges::find_if_not(dns_names, IsHostName);
  if (bad == dns_names.end()) return {};
  return Fail(Code::kInvalid, "a DNS name is not a host name: " + Printable(*bad));
}

std::vector<std::string> RequestedDnsNames(X509_REQ* request) {
  const ExtensionsPtr extensions(X509_REQ_get_extensions(request));
  if (extensions == nullptr) return {};
  const internal::GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  return internal::DnsNames(names.get());
}

bool AddDnsNames(X509_REQ* request, const std::vector<std::string>& dns_names) {
  const ExtensionsPtr extensions(sk_X509_EXTENSION_new_null());
  const internal::GeneralNamesPtr names = internal::MakeDnsNames(dns_names);
  X509_EXTENSION* extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get());
  return extension != nullptr && sk_X509_EXTENSION_push(extensions.get(), extension) > 0 &&
         X509_REQ_add_extensions(request, extensions.get()) == 1;
}

}  // namespace

Result<std::string> MakeRequest(const PrivateKey& key, const std::string& host,
                                const std::vector<std::string>& dns_names) {
  RETURN_IF_ERROR(CheckNames(host, dns_names));
  std::vector<std::string> names = dns_names;
  if (std::ranges::find(names, host) == names.end()) names.insert(names.begin(), host);

  const internal::RequestPtr request(X509_REQ_new());
  const internal::NamePtr subject(X509_NAME_new());
  internal::SetCommonName(subject.get(), host);
  const bool made = X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                    X509_REQ_set_subject_name(request.get(), subject.get()) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key.native()) == 1 &&
                    AddDnsNames(request.get(), names) &&
                    X509_REQ_sign(request.get(), key.native(), EVP_sha256()) > 0;
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  if (!made || PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return internal::OpensslError(Code::kInternal, "making a certificate request");
  }
  return internal::TextOf(bio.get());
}

Result<Request> ParseRequest(std::string_view pem) {
  if (pem.size() > kMostPemBytes) return Fail(Code::kInvalid, "the request is longer than 16 KiB");
  const internal::BioPtr bio = internal::ReadFrom(pem);
  const internal::RequestPtr request(
      PEM_read_bio_X509_REQ(bio.get(), nullptr, internal::NoPassword, nullptr));
  if (request == nullptr) {
    return internal::OpensslError(Code::kInvalid, "no usable certificate request (PEM)");
  }
  EVP_PKEY* native = X509_REQ_get_pubkey(request.get());
  if (native == nullptr) {
    return internal::OpensslError(Code::kInvalid, "the request's key cannot be read");
  }
  PublicKey key(native);
  // Before the signature: checking one with an oversized key is costly.
  if (const auto finding = internal::CheckMemberKey(key)) return *finding;
  if (X509_REQ_verify(request.get(), native) != 1) {
    return internal::OpensslError(Code::kInvalid, "the request is not signed with its own key");
  }

  std::vector<std::string> dns_names = RequestedDnsNames(request.get());
  ERR_clear_error();
  std::string host = internal::CommonName(X509_REQ_get_subject_name(request.get()));
  if (host.empty() && !dns_names.empty()) host = dns_names.front();
  RETURN_IF_ERROR(CheckNames(host, dns_names));
  return Request{std::move(host), std::move(dns_names), std::move(key)};
}

}  // namespace postern::pki
