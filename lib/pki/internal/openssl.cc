#include "lib/pki/internal/openssl.h"

#include <openssl/err.h>

#include <ctime>

#include "lib/base/check.h"

namespace postern::pki::internal {

base::Error OpensslError(base::Code code, std::string_view what) {
  // The oldest entry is the cause; later ones only tell who passed it on.
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  std::string message(what);
  if (reason != nullptr) message.append(": ").append(reason);
  ERR_clear_error();
  return base::Error(code, std::move(message));
}

BioPtr ReadFrom(std::string_view text) {
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  CHECK(bio != nullptr, "memory is never short");
  return bio;
}

std::string TextOf(BIO* memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

int NoPassword(char*, int, int, void*) { return -1; }

std::string Hex(const unsigned char* bytes, std::size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text.push_back(kDigits[bytes[i] >> 4]);
    text.push_back(kDigits[bytes[i] & 15]);
  }
  return text;
}

base::WallTime FromAsn1(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return base::WallTime::min();
  const std::chrono::seconds since_epoch(timegm(&fields));
  if (since_epoch > base::WallTime::max().time_since_epoch()) return base::WallTime::max();
  if (since_epoch < base::WallTime::min().time_since_epoch()) return base::WallTime::min();
  return base::WallTime(since_epoch);
}

TimePtr ToAsn1(base::WallTime time) {
  TimePtr result(ASN1_TIME_set(nullptr, std::chrono::system_clock::to_time_t(time)));
  CHECK(result != nullptr, "WallTime ends before ASN.1's year 9999");
  return result;
}

std::vector<std::string> DnsNames(const GENERAL_NAMES* names) {
  std::vector<std::string> result;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    // With its length: a name with a NUL inside must not pass for its first half.
    result.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                        static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return result;
}

GeneralNamesPtr MakeDnsNames(const std::vector<std::string>& dns_names) {
  GeneralNamesPtr names(GENERAL_NAMES_new());
  for (const std::string& dns_name : dns_names) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dns_name.data(), static_cast<int>(dns_name.size()));
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  return names;
}

std::string CommonName(const X509_NAME* name) {
  int last = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(name, NID_commonName, next)) >= 0;) {
    last = next;
  }
  if (last < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  std::string result(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return result;
}

void SetCommonName(X509_NAME* name, const std::string& host) {
  constexpr std::size_t kMostOfX520 = 64;
  if (host.size() > kMostOfX520) return;
  X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(host.data()),
                             static_cast<int>(host.size()), -1, 0);
}

}  // namespace postern::pki::internal
