#include "lib/pki/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lib/base/testing/matchers.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"
#include "lib/pki/verify.h"

namespace postern::pki {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;
using std::chrono::days;

const base::WallTime kNow{days(22000)};

class AuthorityTest : public testing::Test {
 protected:
  base::Result<Certificate> Issue(const std::string& host, base::WallTime now) {
    return ca_.authority().Issue({.host = host, .key = key_.public_key()}, now);
  }

  const TestAuthority ca_{"east CA", kNow};
  const PrivateKey key_ = *PrivateKey::Generate(KeyType::kEcdsaP256);
};

TEST_F(AuthorityTest, IssuesForAKeyThatItNeverSees) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Certificate leaf, Issue("gw1.example", kNow));
  EXPECT_TRUE(key_.Matches(leaf));
  EXPECT_THAT(VerifyPeer({leaf}, ca_.trust(), {.host = "gw1.example"}, kNow), IsOk());
}

TEST_F(AuthorityTest, GivesEachCertificateItsOwnSerial) {
  std::set<std::string> serials;
  for (int i = 0; i < 20; ++i) serials.insert(Issue("gw1", kNow)->serial());
  EXPECT_EQ(serials.size(), 20U);
}

TEST_F(AuthorityTest, EndsNoCertificateAfterItself) {
  const base::WallTime end = ca_.authority().certificate().not_after();
  EXPECT_EQ(Issue("gw1", end - days(3))->not_after(), end);
  EXPECT_THAT(Issue("gw1", end), HasCode(Code::kExpired));
}

TEST_F(AuthorityTest, RefusesNamesThatAreNone) {
  for (const char* host : {"", "*.example", "gw1,DNS:evil.example", "gw1\nx"}) {
    EXPECT_THAT(Issue(host, kNow), HasCode(Code::kInvalid)) << host;
  }
}

TEST_F(AuthorityTest, RefusesKeysThatNoMemberMayHave) {
  for (const auto& [flaw, event] : {std::pair{Flaw::kWeakRsa, event::kWeakKey},
                                    std::pair{Flaw::kEd25519, event::kUnsuitableKey}}) {
    const Credentials odd = ca_.MakeFlawed("gw1", flaw);
    const auto issued = ca_.authority().Issue({.host = "gw1", .key = odd.key->public_key()}, kNow);
    ASSERT_FALSE(issued);
    EXPECT_EQ(issued.error().code(), Code::kInvalid);
    EXPECT_EQ(issued.error().event(), event);
  }
}

TEST_F(AuthorityTest, ComesBackFromPem) {
  const Authority& before = ca_.authority();
  POSTERN_ASSERT_OK_AND_ASSIGN(
      const Authority after,
      Authority::FromPem(before.certificate().ToPem(), before.key().ToPem()));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Certificate leaf,
                               after.Issue({.host = "gw1", .key = key_.public_key()}, kNow));
  EXPECT_THAT(VerifyPeer({leaf}, ca_.trust(), {}, kNow), IsOk());
}

TEST_F(AuthorityTest, RefusesPartsThatDoNotBelongTogether) {
  const std::string root = ca_.authority().certificate().ToPem();
  const Credentials member = ca_.MakeMember("gw1");
  EXPECT_THAT(Authority::FromPem(root, key_.ToPem()), FailsWith("does not belong"));
  EXPECT_THAT(Authority::FromPem(member.chain.front().ToPem(), member.key->ToPem()),
              FailsWith("not the certificate of a CA"));
  EXPECT_THAT(Authority::FromPem("", key_.ToPem()), HasCode(Code::kInvalid));
}

}  // namespace
}  // namespace postern::pki
