#include "lib/pki/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>

#include "lib/base/check.h"
#include "lib/pki/internal/openssl.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;

std::string NameText(const X509_NAME* name) {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return internal::TextOf(bio.get());
}

bool NoMoreBlocks() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

}  // namespace

Certificate::Certificate(x509_st* certificate) : certificate_(certificate, X509_free) {
  CHECK(certificate != nullptr, "a certificate exists");
}

Result<Certificate> Certificate::FromPem(std::string_view pem) {
  if (pem.size() > kMostPemBytes) return Fail(Code::kInvalid, "more than 1 MiB of certificates");
  const internal::BioPtr bio = internal::ReadFrom(pem);
  X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, internal::NoPassword, nullptr);
  if (certificate == nullptr) {
    return internal::OpensslError(Code::kInvalid, "no usable certificate (PEM)");
  }
  return Certificate(certificate);
}

Result<std::vector<Certificate>> Certificate::ChainFromPem(std::string_view pem) {
  if (pem.size() > kMostPemBytes) return Fail(Code::kInvalid, "more than 1 MiB of certificates");
  const internal::BioPtr bio = internal::ReadFrom(pem);
  std::vector<Certificate> chain;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, internal::NoPassword, nullptr)) {
    chain.emplace_back(certificate);
    if (chain.size() > kMostInChain) return Fail(Code::kInvalid, "more than 16 certificates");
  }
  if (chain.empty() || !NoMoreBlocks()) {
    const std::string which = "certificate " + std::to_string(chain.size() + 1);
    return internal::OpensslError(Code::kInvalid, which + " cannot be read (PEM)");
  }
  ERR_clear_error();
  return chain;
}

std::string Certificate::ToPem() const {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), native()) == 1, "a parsed certificate can be encoded");
  return internal::TextOf(bio.get());
}

std::string Certificate::common_name() const {
  return internal::CommonName(X509_get_subject_name(native()));
}

std::vector<std::string> Certificate::dns_names() const {
  const internal::GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(native(), NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  return internal::DnsNames(names.get());
}

std::string Certificate::subject() const { return NameText(X509_get_subject_name(native())); }
std::string Certificate::issuer() const { return NameText(X509_get_issuer_name(native())); }

std::string Certificate::serial() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(native());
  return internal::Hex(ASN1_STRING_get0_data(serial),
                       static_cast<std::size_t>(ASN1_STRING_length(serial)));
}

base::WallTime Certificate::not_before() const {
  return internal::FromAsn1(X509_get0_notBefore(native()));
}

base::WallTime Certificate::not_after() const {
  return internal::FromAsn1(X509_get0_notAfter(native()));
}

std::string Certificate::fingerprint() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  CHECK(X509_digest(native(), EVP_sha256(), hash.data(), &size) == 1, "SHA-256 is always there");
  return internal::Hex(hash.data(), size);
}

Result<PublicKey> Certificate::public_key() const {
  EVP_PKEY* key = X509_get_pubkey(native());
  if (key == nullptr) {
    return internal::OpensslError(Code::kInvalid, "the certificate's key cannot be read");
  }
  return PublicKey(key);
}

std::string Certificate::public_key_id() const {
  const Result<PublicKey> key = public_key();
  return key ? key->id() : std::string();
}

bool Certificate::is_ca() const { return X509_check_ca(native()) == 1; }

std::optional<long> Certificate::path_length() const {
  const long length = X509_get_pathlen(native());
  return length < 0 ? std::nullopt : std::optional(length);
}

bool Certificate::AllowsUsage(unsigned usage) const {
  return (X509_get_key_usage(native()) & usage) == usage;
}

bool Certificate::AllowsExtendedUsage(unsigned usage) const {
  // OpenSSL answers "every bit" where the extension is missing; we want it said.
  const bool said = (X509_get_extension_flags(native()) & EXFLAG_XKUSAGE) != 0;
  return said && (X509_get_extended_key_usage(native()) & usage) == usage;
}

bool Certificate::has_server_auth() const { return AllowsExtendedUsage(XKU_SSL_SERVER); }
bool Certificate::has_client_auth() const { return AllowsExtendedUsage(XKU_SSL_CLIENT); }
bool Certificate::has_digital_signature() const { return AllowsUsage(KU_DIGITAL_SIGNATURE); }
bool Certificate::has_key_encipherment() const { return AllowsUsage(KU_KEY_ENCIPHERMENT); }

int Certificate::signature_strength() const {
  int bits = 0;
  const int known = X509_get_signature_info(native(), nullptr, nullptr, &bits, nullptr);
  ERR_clear_error();
  return known == 1 ? bits : 0;
}

bool Certificate::operator==(const Certificate& other) const {
  return X509_cmp(native(), other.native()) == 0;
}

std::string FormatTime(base::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &fields);
  return {text.data(), size};
}

}  // namespace postern::pki
