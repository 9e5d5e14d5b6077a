// Certificates and keys as files hold them: any text is read or refused, and what is read can be
// described and judged.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/pki/certificate.h"
#include "lib/pki/check_own.h"
#include "lib/pki/key.h"
#include "lib/pki/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern::pki;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto key = PrivateKey::FromPem(text);
  if (key) key->ToPem();
  const auto chain = Certificate::ChainFromPem(text);
  if (!chain) return 0;
  for (const Certificate& certificate : *chain) {
    const auto again = Certificate::FromPem(certificate.ToPem());
    CHECK(again && *again == certificate, "a certificate survives PEM");
    certificate.subject();
    certificate.serial();
  }
  const postern::base::WallTime now(std::chrono::days(22000));
  const Trust trust{.roots = {chain->back()}, .anchor = Anchor::kRoot};
  VerifyPeer(*chain, trust, {}, now).has_value();
  CheckOwn({.chain = *chain, .key = {}}, "gw1.example", trust, now);
  return 0;
}
