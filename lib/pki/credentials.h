// Credentials: the certificate and key that a member shows, read from files.
//
//   ASSIGN_OR_RETURN(const Credentials own, LoadCredentials("/…/tls.crt", "/…/tls.key"));
//   for (const base::Error& finding : CheckOwn(own, host, trust, now)) …   // check_own.h
//
// Threads: immutable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/pki/certificate.h"
#include "lib/pki/key.h"

namespace postern::pki {

struct Credentials {
  std::vector<Certificate> chain;  // leaf first
  std::optional<PrivateKey> key;   // always there after LoadCredentials
};

// Reads a pair of PEM files of at most 1 MiB. A certificate that is missing or unreadable is 20066,
// a key that is missing, unreadable or another certificate's 20068. kNotFound for missing files,
// kUnavailable when reading fails, else kInvalid. Messages name the file and the remedy.
base::Result<Credentials> LoadCredentials(const std::string& certificate_path,
                                          const std::string& key_path);

// Reads the certificates of a PEM file of at most 1 MiB, each that of a CA. Codes as above; 20066.
base::Result<std::vector<Certificate>> LoadRoots(const std::string& path);

}  // namespace postern::pki
