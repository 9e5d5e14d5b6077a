#include "lib/pki/internal/certificate_builder.h"

#include <string>

#include "lib/pki/internal/openssl.h"

namespace postern::pki::internal {
namespace {

constexpr int kSerialBits = 127;  // random, and positive in 16 bytes

bool SetSerial(X509* certificate) {
  const BignumPtr serial(BN_new());
  return BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetNamesAndTimes(X509* certificate, const CertificateTemplate& content, X509* issuer) {
  SetCommonName(X509_get_subject_name(certificate), content.common_name);
  const TimePtr start = ToAsn1(content.not_before);
  const TimePtr end = ToAsn1(content.not_after);
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         X509_set1_notBefore(certificate, start.get()) == 1 &&
         X509_set1_notAfter(certificate, end.get()) == 1;
}

// `value` is one of our own constants: OpenSSL's configuration syntax is not for outside text.
bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool AddDnsNames(X509* certificate, const CertificateTemplate& content) {
  if (content.dns_names.empty()) return true;
  // Where the subject is empty, the names must be critical (RFC 5280, 4.2.1.6).
  const int critical = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0 ? 1 : 0;
  const GeneralNamesPtr names = MakeDnsNames(content.dns_names);
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), critical,
                           X509V3_ADD_DEFAULT) == 1;
}

bool AddExtensions(X509* certificate, const CertificateTemplate& content, X509* issuer) {
  std::string constraints = content.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (content.path_length) constraints += ",pathlen:" + std::to_string(*content.path_length);
  const auto add = [&](int nid, const char* value) {
    return value == nullptr || AddExtension(certificate, issuer, nid, value);
  };
  // The authority's key id is copied from the issuer, so one that signs itself needs its own first.
  return add(NID_basic_constraints, constraints.c_str()) && AddDnsNames(certificate, content) &&
         add(NID_key_usage, content.key_usage) && add(NID_ext_key_usage, content.extended_usage) &&
         add(NID_subject_key_identifier, "hash") && add(NID_authority_key_identifier, "keyid");
}

const EVP_MD* HashFor(const CertificateTemplate& content, const PublicKey& signer) {
  if (content.hash != nullptr) return EVP_get_digestbyname(content.hash);
  return signer.security_bits() >= 192 ? EVP_sha384() : EVP_sha256();
}

}  // namespace

base::Result<Certificate> BuildCertificate(const CertificateTemplate& content,
                                           const PublicKey& holder, const Certificate* issuer,
                                           const PrivateKey& issuer_key) {
  X509Ptr made(X509_new());
  X509* const signer = issuer != nullptr ? issuer->native() : made.get();
  const bool signed_well =
      X509_set_version(made.get(), X509_VERSION_3) == 1 && SetSerial(made.get()) &&
      SetNamesAndTimes(made.get(), content, signer) &&
      X509_set_pubkey(made.get(), holder.native()) == 1 &&
      AddExtensions(made.get(), content, signer) &&
      X509_sign(made.get(), issuer_key.native(), HashFor(content, issuer_key.public_key())) > 0;
  if (!signed_well) return OpensslError(base::Code::kInternal, "signing a certificate");
  return Certificate(made.release());
}

}  // namespace postern::pki::internal
