#include <gmock/gmock.h>

#include "lib/base/testing/matchers.h"
#include "tests/integration/topology.h"

namespace postern::integration {
namespace {

using base::IsOk;

TEST(Refusal, TellsAnUnregisteredHostWhy) {
  Topology topology({.member = "other.example"});
  ASSERT_THAT(topology.Start(), IsOk());
  EXPECT_THAT(topology.gateway().WaitForLine("event=20000", kSoon), IsOk());
}

TEST(Refusal, ExpiredOwnCertificateEndsTheRelayAsBadConfiguration) {
  Topology topology({.gateway_flaw = pki::Flaw::kExpired});
  ASSERT_THAT(topology.Start(), IsOk());
  EXPECT_EQ(topology.gateway().WaitForExit(kSoon)->code, 78);
}

}  // namespace
}  // namespace postern::integration
