#include "sidecar/trust/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"
#include "sidecar/trust/testing/identity_folder.h"

namespace postern::trust {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;
using pki::Credentials;
using pki::Flaw;
using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

class AdmissionTest : public testing::Test {
 protected:
  base::Result<pki::PeerIdentity> Judge(const Credentials& child) {
    return admission_.Judge(child.chain, *identity_, ca_.now());
  }

  const pki::TestAuthority ca_;
  const IdentityPtr identity_ = MakeIdentity(ca_, ca_.MakeMember("ms1.example"), "ms1.example");
  Admission admission_{{"gw1.example", "gw2.example"}};
};

TEST_F(AdmissionTest, TakesARegisteredHost) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const pki::PeerIdentity peer, Judge(ca_.MakeMember("gw1.example")));
  EXPECT_EQ(peer.host, "gw1.example");
}

TEST_F(AdmissionTest, ComparesHostsWithoutCase) {
  EXPECT_THAT(Judge(ca_.MakeMember("GW1.Example")), IsOk());
}

TEST_F(AdmissionTest, RefusesAnotherHostByNumberAndName) {
  const auto refused = Judge(ca_.MakeMember("gw7.example"));
  ASSERT_THAT(refused, HasCode(Code::kDenied));
  EXPECT_EQ(refused.error().event(), pki::event::kNotRegistered);
  EXPECT_THAT(refused.error().message(), HasSubstr("gw7.example"));
  EXPECT_THAT(refused.error().message(), HasSubstr("ms1.example")) << "where to register it";
}

TEST_F(AdmissionTest, TakesEverybodyOfTheGroupWhereAStarIsRegistered) {
  Admission open({"*"});
  EXPECT_THAT(open.Judge(ca_.MakeMember("gw7.example").chain, *identity_, ca_.now()), IsOk());
  const pki::TestAuthority other("another CA");
  EXPECT_THAT(open.Judge(other.MakeMember("gw7.example").chain, *identity_, other.now()),
              HasCode(Code::kDenied));
}

TEST_F(AdmissionTest, RefusesAPeerWithoutACertificate) {
  const auto refused = admission_.Judge({}, *identity_, ca_.now());
  ASSERT_THAT(refused, HasCode(Code::kDenied));
  EXPECT_EQ(refused.error().event(), pki::event::kNotAuthenticated);
}

// === what is kept must not outlive its reason ===

TEST_F(AdmissionTest, LooksAtTheTimeOfAKnownLeafAnew) {
  const Credentials child = ca_.MakeMember("gw1.example");
  ASSERT_THAT(Judge(child), IsOk());
  const base::WallTime end = child.chain.front().not_after();
  EXPECT_THAT(admission_.Judge(child.chain, *identity_, end), IsOk());
  const auto late = admission_.Judge(child.chain, *identity_, end + minutes(1));
  ASSERT_THAT(late, HasCode(Code::kExpired));
  EXPECT_EQ(late.error().event(), pki::event::kNotCurrentlyValid);
}

TEST_F(AdmissionTest, ForgetsAVerdictWhenTheClockGoesBackBeforeTheLeaf) {
  const Credentials child = ca_.MakeMember("gw1.example");
  ASSERT_THAT(Judge(child), IsOk());
  EXPECT_THAT(admission_.Judge(child.chain, *identity_, ca_.now() - hours(24)), Not(IsOk()));
}

TEST_F(AdmissionTest, JudgesAnewUnderNewTrust) {
  const Credentials child = ca_.MakeMember("gw1.example");
  ASSERT_THAT(Judge(child), IsOk());
  const pki::TestAuthority other("next CA");
  const IdentityPtr next = MakeIdentity(other, other.MakeMember("ms1.example"), "ms1.example",
                                        identity_->generation + 1);
  const auto refused = admission_.Judge(child.chain, *next, ca_.now());
  ASSERT_THAT(refused, HasCode(Code::kDenied));
  EXPECT_EQ(refused.error().event(), pki::event::kRemoteNotTrusted);
}

TEST_F(AdmissionTest, NeverKeepsABadVerdict) {
  const Credentials child = ca_.MakeFlawed("gw1.example", Flaw::kNotYetValid);
  ASSERT_THAT(Judge(child), HasCode(Code::kDenied));
  const base::WallTime begin = child.chain.front().not_before();
  EXPECT_THAT(admission_.Judge(child.chain, *identity_, begin + minutes(1)), IsOk());
}

// === who may be told why ===

TEST(MayTell, IsTrueOnlyForPeersWhoseChainLeadsToOurTrust) {
  struct Case {
    const char* when;
    int event;
    bool then;
  };
  const Case kCases[] = {
      {"the host is not registered", pki::event::kNotRegistered, true},
      {"the certificate has ended", pki::event::kNotCurrentlyValid, true},
      {"a usage is missing", pki::event::kWrongKeyUsage, true},
      {"the name is another", pki::event::kSubjectMismatch, true},
      {"the kind of key will not do", pki::event::kUnsuitableKey, true},
      {"the group's id is another", pki::event::kNotInTrustedDomain, true},
      {"the host is denied", pki::event::kRevoked, true},
      {"no certificate was shown", pki::event::kNotAuthenticated, false},
      {"the chain leads elsewhere", pki::event::kRemoteNotTrusted, false},
      {"the chain is too long to be checked", pki::event::kPathLengthExceeded, false},
      {"a signature of the chain proves nothing", pki::event::kWeakKey, false},
      {"the finding has no number", 0, false},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Admission::MayTell(base::Fail(Code::kDenied, "why").As(c.event)), c.then) << c.when;
  }
}

TEST(Generic, TellsAStrangerNothing) {
  EXPECT_EQ(Admission::Generic(),
            base::Fail(Code::kDenied, "not authenticated").As(pki::event::kNotAuthenticated));
}

}  // namespace
}  // namespace postern::trust
