// Owning pointers for OpenSSL's objects, and its error queue in words.
//
// Threads: any.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/error.h"

namespace postern::pki::internal {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using NamePtr = std::unique_ptr<X509_NAME, Freer<X509_NAME_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, Freer<ASN1_TIME_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;

// Returns an error that says `what` and why OpenSSL failed, and empties OpenSSL's queue: what is
// left there would be blamed on the next connection of this thread.
base::Error OpensslError(base::Code code, std::string_view what);

// Returns a BIO that reads `text`, which must outlive it.
BioPtr ReadFrom(std::string_view text);
// Returns what was written to a memory BIO.
std::string TextOf(BIO* memory);
// Gives PEM readers no password: the default asks at the terminal, which stops a daemon for ever.
int NoPassword(char* buffer, int size, int writing, void* user);

std::string Hex(const unsigned char* bytes, std::size_t size);

// Clamped to what WallTime can hold: certificates that "never" expire end in the year 9999.
base::WallTime FromAsn1(const ASN1_TIME* time);
TimePtr ToAsn1(base::WallTime time);

// Returns the host names among `names`, in order; other kinds are left out.
std::vector<std::string> DnsNames(const GENERAL_NAMES* names);
// Returns a list with these host names. They are data, never OpenSSL's configuration syntax, where
// a comma would add a name.
GeneralNamesPtr MakeDnsNames(const std::vector<std::string>& dns_names);
// Returns the most specific common name; empty without one.
std::string CommonName(const X509_NAME* name);
// Sets the common name to `host`, unless it is longer than X.520 allows (64): then the DNS names
// alone name the holder.
void SetCommonName(X509_NAME* name, const std::string& host);

}  // namespace postern::pki::internal
