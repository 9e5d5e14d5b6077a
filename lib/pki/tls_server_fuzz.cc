// What a stranger sends to a server before anybody knows who it is. The first byte tells in what
// pieces it comes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/pki/testing/test_authority.h"
#include "lib/pki/tls_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern::pki;
  static const TlsContext context = *TlsContext::Server(TestAuthority().MakeMember("ms1.example"));
  if (size == 0) return 0;
  const std::size_t piece = std::max<std::size_t>(data[0], 1);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  TlsSession session(context, "");
  std::string out;
  while (!rest.empty()) {
    std::string_view some = rest.substr(0, piece);
    rest.remove_prefix(some.size());
    const auto done = session.Handshake(some, out);
    if (!done || *done) break;
  }
  session.Close(out);
  return 0;
}
