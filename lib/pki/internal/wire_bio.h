// A BIO without memory: OpenSSL reads from one call's input and appends to that call's output.
//
// With memory BIOs each idle session would own two buffers, and every byte be copied once more.
//
// Threads: loop.
#pragma once

#include <openssl/bio.h>

#include <string>
#include <string_view>

namespace postern::pki::internal {

// Returns a new BIO that has no wire: it reads nothing and refuses to write.
BIO* NewWireBio();

// Lends the BIO its input and output for as long as this object lives.
class WireLoan {
 public:
  // Reading takes from the front of `in`; nullptr: there is nothing to read.
  WireLoan(BIO* bio, std::string_view* in, std::string& out);
  ~WireLoan();
  WireLoan(const WireLoan&) = delete;
  WireLoan& operator=(const WireLoan&) = delete;

  std::string_view* in() const { return in_; }
  std::string& out() const { return out_; }

 private:
  BIO* bio_;
  std::string_view* in_;
  std::string& out_;
};

}  // namespace postern::pki::internal
