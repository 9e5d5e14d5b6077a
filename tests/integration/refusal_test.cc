#include <gmock/gmock.h>

#include "lib/base/testing/matchers.h"
#include "tests/integration/topology.h"

namespace postern::integration {
namespace {

using base::IsOk;

TEST(Refusal, TellsAnUnregisteredHostWhy) {
  Topology topology({.member = "other.example"});
  ASSERT_THAT(topology.Start(), IsOk());
  EXPECT_THAT(topology.gateway().process().WaitForLine("event=20000", kSoon), IsOk());
  EXPECT_THAT(topology.server().process().WaitForLine("event=20000", kSoon), IsOk());
}

TEST(Refusal, ExpiredOwnCertificateEndsTheRelayAsBadConfiguration) {
  Topology topology({});
  ASSERT_THAT(topology.StartServer(), IsOk());
  topology.gateway().SetIdentity(
      topology.authority().MakeFlawed("gw1.example", pki::Flaw::kExpired));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Relay::End end, topology.gateway().RunToEnd());
  EXPECT_EQ(end.exit.code, 78) << end.said;
  EXPECT_THAT(end.said, testing::HasSubstr("event=20049"));
}

}  // namespace
}  // namespace postern::integration
