// IdentityFolder: a folder with a member's certificate, key and roots, as a Secret mount shows it.
//
//   IdentityFolder folder;
//   folder.Put(ca, ca.MakeMember("gw1.example"));
//   LoadIdentity(folder.files(), "gw1.example", 1, ca.now());
//
// Threads: loop.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/pki/testing/test_authority.h"
#include "sidecar/trust/identity.h"

namespace postern::trust {

class IdentityFolder {
 public:
  IdentityFolder() : path_((std::filesystem::temp_directory_path() / "postern-XXXXXX").string()) {
    CHECK(mkdtemp(path_.data()) != nullptr, "a temporary folder can be made");
  }
  ~IdentityFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  IdentityFolder(const IdentityFolder&) = delete;
  IdentityFolder& operator=(const IdentityFolder&) = delete;

  IdentityFiles files() const {
    return {.chain = path_ + "/tls.crt", .key = path_ + "/tls.key", .roots = path_ + "/ca.crt"};
  }
  const std::string& path() const { return path_; }

  // Replaces a file by a new one, as an atomic writer does.
  void Put(const std::string& name, std::string_view text) const {
    const std::string fresh = path_ + "/." + name;
    std::ofstream(fresh, std::ios::binary) << text;
    std::filesystem::rename(fresh, path_ + "/" + name);
  }
  void Put(const pki::TestAuthority& ca, const pki::Credentials& member) const {
    Put("tls.crt", ChainPem(member));
    Put("tls.key", member.key->ToPem());
    Put("ca.crt", ca.authority().certificate().ToPem());
  }

  static std::string ChainPem(const pki::Credentials& member) {
    std::string pem;
    for (const pki::Certificate& certificate : member.chain) pem += certificate.ToPem();
    return pem;
  }

 private:
  std::string path_;
};

// The identity of a member of `ca`, by the way of files like any other.
inline IdentityPtr MakeIdentity(const pki::TestAuthority& ca, const pki::Credentials& member,
                                const std::string& host, std::uint64_t generation = 1) {
  const IdentityFolder folder;
  folder.Put(ca, member);
  base::Result<IdentityPtr> identity = LoadIdentity(folder.files(), host, generation, ca.now());
  CHECK(identity.has_value(), "the authority makes a good member");
  return *identity;
}

}  // namespace postern::trust
