#include "lib/pki/internal/wire_bio.h"

#include <algorithm>
#include <cstring>

#include "lib/base/check.h"

namespace postern::pki::internal {
namespace {

int Read(BIO* bio, char* buffer, std::size_t size, std::size_t* got) {
  const auto* loan = static_cast<WireLoan*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (loan == nullptr || loan->in() == nullptr || loan->in()->empty()) {
    BIO_set_retry_read(bio);  // "come again", not "the end": only the caller knows about that
    return 0;
  }
  *got = std::min(size, loan->in()->size());
  std::memcpy(buffer, loan->in()->data(), *got);
  loan->in()->remove_prefix(*got);
  return 1;
}

int Write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  const auto* loan = static_cast<WireLoan*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (loan == nullptr) return 0;
  loan->out().append(bytes, size);
  *written = size;
  return 1;
}

long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int Create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

const BIO_METHOD* MakeMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
  CHECK(method != nullptr, "memory is never short");
  BIO_meth_set_read_ex(method, Read);
  BIO_meth_set_write_ex(method, Write);
  BIO_meth_set_ctrl(method, Control);
  BIO_meth_set_create(method, Create);
  return method;
}

}  // namespace

BIO* NewWireBio() {
  // A constant table, made once: OpenSSL has numbers for only 128 kinds of BIO.
  static const BIO_METHOD* const kMethod = MakeMethod();
  BIO* bio = BIO_new(kMethod);
  CHECK(bio != nullptr, "memory is never short");
  return bio;
}

WireLoan::WireLoan(BIO* bio, std::string_view* in, std::string& out)
    : bio_(bio), in_(in), out_(out) {
  BIO_set_data(bio_, this);
}

WireLoan::~WireLoan() { BIO_set_data(bio_, nullptr); }

}  // namespace postern::pki::internal
