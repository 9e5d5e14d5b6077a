#include "lib/pki/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/pki/event.h"
#include "lib/pki/internal/certificate_builder.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::pki {
namespace {

using base::Code;
using base::FailsWith;
using base::IsOk;
using std::chrono::days;
using testing::HasSubstr;

class VerifyPeerTest : public testing::Test {
 protected:
  const base::WallTime now_ = base::WallTime(days(22000));  // 2030-03-27
  const TestAuthority ca_{"east CA", now_};
};

struct Case {
  const char* when;
  Flaw flaw;
  int event;
  Code code;
  const char* says;
};

const Case kIssuerCases[] = {
    {"the certificate ended yesterday", Flaw::kExpired, 20049, Code::kExpired,
     "valid from 2029-12-26T00:00:00Z to 2030-03-26T00:00:00Z, and here it is "
     "2030-03-27T00:00:00Z"},
    {"the certificate starts tomorrow", Flaw::kNotYetValid, 20049, Code::kDenied,
     "compare the clocks"},
    {"server authentication is missing", Flaw::kNoServerUsage, 20050, Code::kDenied,
     "lacks the extended key usage server authentication"},
    {"client authentication is missing", Flaw::kNoClientUsage, 20050, Code::kDenied,
     "lacks the extended key usage client authentication"},
    {"no extended usage is said at all", Flaw::kNoExtendedUsage, 20050, Code::kDenied,
     "server authentication and client authentication"},
    {"another host is named", Flaw::kWrongCommonName, 20052, Code::kDenied,
     "is for other.example, expected was gw1.example"},
    {"the DNS names hold only others", Flaw::kHostNotInDnsNames, 20052, Code::kDenied,
     "subject is gw1.example, but its DNS names start with other.example"},
    {"no name is in it", Flaw::kNoName, 20052, Code::kDenied, "names no host"},
    {"the name goes on behind a NUL", Flaw::kNulInName, 20052, Code::kDenied,
     "names no host: 'gw1.example?.evil.example'"},
    {"the name is a wildcard", Flaw::kWildcard, 20052, Code::kDenied, "names no host: '*.example'"},
    {"the key is RSA 1024", Flaw::kWeakRsa, 61006, Code::kDenied, "too weak: RSA 1024"},
    {"the key is RSA of an odd size", Flaw::kOddRsa, 20069, Code::kDenied, "the key is RSA 2560"},
    {"the key is P-521", Flaw::kOddCurve, 20069, Code::kDenied, "the key is EC P-521"},
    {"the key is Ed25519", Flaw::kEd25519, 20069, Code::kDenied, "ED25519"},
    {"the signature is SHA-1", Flaw::kSha1Signature, 61006, Code::kDenied, "weaker than SHA-256"},
    {"the key may not sign handshakes", Flaw::kNoDigitalSignature, 20069, Code::kDenied,
     "digital signature"},
    {"an RSA key lacks key encipherment", Flaw::kNoKeyEncipherment, 20069, Code::kDenied,
     "key encipherment"},
    {"a CA speaks as a member", Flaw::kCaAsLeaf, 20069, Code::kDenied, "may sign but not speak"},
    {"it signed itself", Flaw::kSelfSigned, 20072, Code::kDenied, "signed by itself alone"},
    {"a CA of the same name signed", Flaw::kOtherAuthority, 20072, Code::kDenied, ""},
    {"a sibling below our root signed", Flaw::kSiblingAuthority, 20072, Code::kDenied,
     "signed by CN=sibling CA, which is not trusted here"},
};

TEST_F(VerifyPeerTest, RefusesEachWrongCertificateUnderItsNumber) {
  for (const Case& row : kIssuerCases) {
    SCOPED_TRACE(row.when);
    const Credentials peer = ca_.MakeFlawed("gw1.example", row.flaw);
    const auto verdict = VerifyPeer(peer.chain, ca_.trust(), {.host = "gw1.example"}, now_);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().event(), row.event) << verdict.error();
    EXPECT_EQ(verdict.error().code(), row.code) << verdict.error();
    EXPECT_THAT(verdict.error().message(), HasSubstr(row.says));
    EXPECT_NE(FindEvent(verdict.error().event()), nullptr);
  }
}

const Case kRootCases[] = {
    {"more CAs than the root allows", Flaw::kPathTooLong, 61004, Code::kDenied, "more CAs"},
    {"a CA on the path is over", Flaw::kExpiredIntermediate, 20072, Code::kExpired, "CN=old CA"},
    {"a member signed", Flaw::kNotACaAbove, 20072, Code::kDenied, ""},
    {"a CA of the same name signed", Flaw::kOtherAuthority, 20072, Code::kDenied, ""},
    {"it signed itself", Flaw::kSelfSigned, 20072, Code::kDenied, ""},
    {"a CA speaks as a member", Flaw::kCaAsLeaf, 20069, Code::kDenied, ""},
};

TEST_F(VerifyPeerTest, RefusesWrongPathsBelowARoot) {
  Trust trust = ca_.trust();
  trust.anchor = Anchor::kRoot;
  for (const Case& row : kRootCases) {
    SCOPED_TRACE(row.when);
    const Credentials peer = ca_.MakeFlawed("gw1.example", row.flaw);
    const auto verdict = VerifyPeer(peer.chain, trust, {.host = "gw1.example"}, now_);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().event(), row.event) << verdict.error();
    EXPECT_EQ(verdict.error().code(), row.code) << verdict.error();
    EXPECT_THAT(verdict.error().message(), HasSubstr(row.says));
  }
}

TEST_F(VerifyPeerTest, TellsWhoTheMemberIs) {
  const Credentials peer = ca_.MakeMember("GW1.example");
  const auto verdict = VerifyPeer(peer.chain, ca_.trust(), {}, now_);
  ASSERT_THAT(verdict, IsOk());
  EXPECT_EQ(verdict->host, "gw1.example");
  EXPECT_EQ(verdict->serial, peer.chain.front().serial());
  EXPECT_EQ(verdict->public_key_id, peer.key->public_key_id());
  EXPECT_EQ(verdict->not_after, now_ + days(90));
}

TEST_F(VerifyPeerTest, ComparesHostsWithoutCase) {
  const Credentials peer = ca_.MakeMember("gw1.example", {"alias.example"});
  EXPECT_THAT(VerifyPeer(peer.chain, ca_.trust(), {.host = "GW1.Example"}, now_), IsOk());
}

TEST_F(VerifyPeerTest, TakesAnAliasForNobody) {
  const Credentials peer = ca_.MakeMember("gw1.example", {"alias.example"});
  EXPECT_THAT(VerifyPeer(peer.chain, ca_.trust(), {.host = "alias.example"}, now_),
              FailsWith("is for gw1.example, expected was alias.example"));
}

TEST_F(VerifyPeerTest, TakesTheFirstDnsNameWhereTheHostIsTooLongForASubject) {
  const std::string host =
      "a-very-long-gateway-name.in-a-very-long-subdomain.of-the-branch.example";
  const Credentials peer = ca_.MakeMember(host);
  EXPECT_EQ(peer.chain.front().common_name(), "");
  EXPECT_THAT(VerifyPeer(peer.chain, ca_.trust(), {.host = host}, now_), IsOk());
}

TEST_F(VerifyPeerTest, AllowsSingleLabels) {
  EXPECT_THAT(VerifyPeer(ca_.MakeMember("gw1").chain, ca_.trust(), {.host = "gw1"}, now_), IsOk());
}

TEST_F(VerifyPeerTest, RefusesWhoShowsNothing) {
  const auto verdict = VerifyPeer({}, ca_.trust(), {}, now_);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().event(), event::kNotAuthenticated);
}

TEST_F(VerifyPeerTest, RefusesOurOwnRootAsAMember) {
  const auto verdict = VerifyPeer({ca_.authority().certificate()}, ca_.trust(), {}, now_);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().event(), event::kRemoteNotTrusted);
}

TEST_F(VerifyPeerTest, RefusesEverybodyWithoutRoots) {
  for (const Anchor anchor : {Anchor::kIssuer, Anchor::kRoot}) {
    const Trust nobody{.anchor = anchor};
    const auto verdict = VerifyPeer(ca_.MakeMember("gw1").chain, nobody, {}, now_);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().event(), event::kRemoteNotTrusted);
  }
}

TEST_F(VerifyPeerTest, RefusesEverybodyOnceTheRootIsOver) {
  const base::WallTime later = now_ + days(3700);
  const auto verdict = VerifyPeer(ca_.MakeMember("gw1").chain, ca_.trust(), {}, later);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().event(), event::kRemoteNotTrusted);
  EXPECT_EQ(verdict.error().code(), Code::kExpired);
}

TEST_F(VerifyPeerTest, HoldsDenialsBeforeEverythingElseAboutAMember) {
  const Credentials expired = ca_.MakeFlawed("gw1.example", Flaw::kExpired);
  Trust by_host = ca_.trust();
  by_host.denied_hosts = {"GW1.example"};
  Trust by_serial = ca_.trust();
  by_serial.denied_serials = {expired.chain.front().serial()};
  for (const Trust& trust : {by_host, by_serial}) {
    const auto verdict = VerifyPeer(expired.chain, trust, {}, now_);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().event(), event::kRevoked) << verdict.error();
    EXPECT_THAT(VerifyPeer(ca_.MakeMember("gw2").chain, trust, {}, now_), IsOk());
  }
}

TEST_F(VerifyPeerTest, BelievesASiblingOnlyWhereAnythingBelowTheRootCounts) {
  const Credentials peer = ca_.MakeFlawed("gw1.example", Flaw::kSiblingAuthority);
  Trust trust = ca_.trust();
  EXPECT_FALSE(VerifyPeer(peer.chain, trust, {}, now_));
  trust.anchor = Anchor::kRoot;
  EXPECT_THAT(VerifyPeer(peer.chain, trust, {}, now_), IsOk());
}

TEST_F(VerifyPeerTest, BelievesAnIntermediateThatIsOurOwnCaWithoutItsRoot) {
  const Credentials peer = ca_.MakeFlawed("gw1.example", Flaw::kSiblingAuthority);
  const Trust ours{.intermediates = {peer.chain.back()}};
  EXPECT_THAT(VerifyPeer({peer.chain.front()}, ours, {}, now_), IsOk());
}

TEST_F(VerifyPeerTest, BelievesBothRootsWhileTheyRotate) {
  const TestAuthority next("east CA", now_);
  Trust trust = ca_.trust();
  trust.roots.push_back(next.authority().certificate());
  EXPECT_THAT(VerifyPeer(ca_.MakeMember("gw1").chain, trust, {}, now_), IsOk());
  EXPECT_THAT(VerifyPeer(next.MakeMember("gw1").chain, trust, {}, now_), IsOk());
}

TEST_F(VerifyPeerTest, TakesEachKindOfKeyThatTheGroupIssues) {
  for (const char* name : {"ECDSAP256", "ECDSAP384", "RSA2048", "RSA3072"}) {
    SCOPED_TRACE(name);
    POSTERN_ASSERT_OK_AND_ASSIGN(const KeyType type, KeyTypeNamed(name));
    POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(type));
    POSTERN_ASSERT_OK_AND_ASSIGN(
        const Certificate leaf,
        ca_.authority().Issue({.host = "gw1", .key = key.public_key()}, now_));
    EXPECT_THAT(VerifyPeer({leaf}, ca_.trust(), {.host = "gw1"}, now_), IsOk());
  }
}

}  // namespace
}  // namespace postern::pki
