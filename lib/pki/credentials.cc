#include "lib/pki/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "lib/pki/event.h"
#include "lib/pki/host_name.h"

namespace postern::pki {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kMostBytes = Certificate::kMostPemBytes;

// Closes on every way out.
class File {
 public:
  explicit File(const std::string& path)
      // Without O_NONBLOCK a pipe in place of the file would stop the caller here.
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

base::Error SystemError() {
  const int error = errno;
  return Fail(error == ENOENT ? Code::kNotFound : Code::kUnavailable,
              std::generic_category().message(error));
}

Result<std::string> ReadAll(const std::string& path) {
  const File file(path);
  struct stat about {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &about) != 0) return SystemError();
  if (!S_ISREG(about.st_mode)) return Fail(Code::kInvalid, "it is not a regular file");
  // One byte more than allowed tells a file that is too long, even one that grows while we read.
  std::string text(kMostBytes + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = read(file.descriptor(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError();
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > kMostBytes) return Fail(Code::kInvalid, "it is longer than 1 MiB");
  text.resize(filled);
  return text;
}

base::Error About(const base::Error& error, const std::string& what, const std::string& remedy,
                  int event) {
  return Fail(error.code(), what + ": " + error.message() + "; " + remedy).As(event);
}

Result<PrivateKey> LoadKey(const std::string& path) {
  Result<std::string> text = ReadAll(path);
  if (!text) return text.error();
  Result<PrivateKey> key = PrivateKey::FromPem(*text);
  explicit_bzero(text->data(), text->size());
  return key;
}

Result<std::vector<Certificate>> LoadChain(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadAll(path));
  return Certificate::ChainFromPem(text);
}

}  // namespace

Result<Credentials> LoadCredentials(const std::string& certificate_path,
                                    const std::string& key_path) {
  Result<std::vector<Certificate>> chain = LoadChain(certificate_path);
  if (!chain) {
    return About(chain.error(), "reading the certificate " + certificate_path,
                 "enrol this member, or put its certificate there (PEM, leaf first)",
                 event::kCertificateNotFound);
  }
  Result<PrivateKey> key = LoadKey(key_path);
  if (!key) {
    return About(key.error(), "reading the private key " + key_path,
                 "put the key that the certificate was requested with there, or enrol again",
                 event::kPrivateKeyMissing);
  }
  if (!key->Matches(chain->front())) {
    return Fail(Code::kInvalid, "the private key " + key_path +
                                    " does not belong to the certificate " + certificate_path +
                                    "; write both in one step, or enrol again")
        .As(event::kPrivateKeyMissing);
  }
  return Credentials{std::move(*chain), std::move(*key)};
}

Result<std::vector<Certificate>> LoadRoots(const std::string& path) {
  Result<std::vector<Certificate>> roots = LoadChain(path);
  if (!roots) {
    return About(roots.error(), "reading the roots " + path,
                 "put the group's CA certificate there (PEM)", event::kCertificateNotFound);
  }
  const auto other = std::ranges::find_if_not(*roots, &Certificate::is_ca);
  if (other == roots->end()) return roots;
  return Fail(Code::kInvalid,
              "reading the roots " + path + ": " + Printable(other->subject()) +
                  " is not the certificate of a CA; leave members' certificates out")
      .As(event::kCertificateNotFound);
}

}  // namespace postern::pki
