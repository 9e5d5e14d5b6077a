#include "sidecar/trust/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lib/base/testing/matchers.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"
#include "sidecar/trust/testing/identity_folder.h"

namespace postern::trust {
namespace {

using base::Result;
using pki::Flaw;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Property;

constexpr const char* kHost = "gw1.example";

class LoadIdentityTest : public testing::Test {
 protected:
  LoadIdentityTest() { folder_.Put(ca_, member_); }

  Result<IdentityPtr> Load(const std::string& host = kHost) const {
    return LoadIdentity(folder_.files(), host, 7, ca_.now());
  }

  const pki::TestAuthority ca_;
  const pki::Credentials member_ = ca_.MakeMember(kHost);
  const IdentityFolder folder_;
};

TEST_F(LoadIdentityTest, ReadsWhoWeAreAndWhomWeBelieve) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const IdentityPtr identity, Load());
  EXPECT_EQ(identity->host, kHost);
  EXPECT_EQ(identity->group_id, ca_.authority().certificate().public_key_id());
  EXPECT_EQ(identity->serial, member_.chain.front().serial());
  EXPECT_EQ(identity->generation, 7U);
  EXPECT_EQ(identity->not_after, member_.chain.front().not_after());
  EXPECT_THAT(identity->trust.roots, ElementsAre(ca_.authority().certificate()));
  EXPECT_THAT(identity->warnings, IsEmpty());
  EXPECT_TRUE(identity->server.is_server());
  EXPECT_FALSE(identity->client.is_server());
}

TEST_F(LoadIdentityTest, BelievesOnlyWhatItsOwnRootsSigned) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const IdentityPtr identity, Load());
  EXPECT_EQ(identity->trust.anchor, pki::Anchor::kIssuer);
}

TEST_F(LoadIdentityTest, NamesTheGroupByItsFirstRoot) {
  const pki::TestAuthority next("next CA");
  folder_.Put("ca.crt",
              ca_.authority().certificate().ToPem() + next.authority().certificate().ToPem());
  POSTERN_ASSERT_OK_AND_ASSIGN(const IdentityPtr identity, Load());
  EXPECT_EQ(identity->group_id, ca_.authority().certificate().public_key_id());
  EXPECT_EQ(identity->trust.roots.size(), 2U);
}

TEST_F(LoadIdentityTest, RefusesEachWrongCertificateByItsNumber) {
  struct Case {
    const char* when;
    Flaw flaw;
    int then;
  };
  const Case kCases[] = {
      {"its time is over", Flaw::kExpired, pki::event::kNotCurrentlyValid},
      {"its time has not come", Flaw::kNotYetValid, pki::event::kNotCurrentlyValid},
      {"it may not be a server", Flaw::kNoServerUsage, pki::event::kWrongKeyUsage},
      {"it may not be a client", Flaw::kNoClientUsage, pki::event::kWrongKeyUsage},
      {"its names are another host's", Flaw::kWrongCommonName, pki::event::kSubjectMismatch},
      {"the host is not among its DNS names", Flaw::kHostNotInDnsNames,
       pki::event::kSubjectMismatch},
      {"it may not sign", Flaw::kNoDigitalSignature, pki::event::kUnsuitableKey},
      {"its RSA key is short", Flaw::kWeakRsa, pki::event::kWeakKey},
      {"its signature is SHA-1", Flaw::kSha1Signature, pki::event::kWeakKey},
      {"it is signed by nobody we know", Flaw::kSelfSigned, pki::event::kRemoteNotTrusted},
      {"a CA of the same name signed it", Flaw::kOtherAuthority, pki::event::kRemoteNotTrusted},
      {"the key is another's", Flaw::kWrongKey, pki::event::kPrivateKeyMissing},
  };
  for (const Case& c : kCases) {
    folder_.Put(ca_, ca_.MakeFlawed(kHost, c.flaw));
    const Result<IdentityPtr> loaded = Load();
    ASSERT_FALSE(loaded) << c.when;
    EXPECT_EQ(loaded.error().event(), c.then) << c.when << ": " << loaded.error();
    EXPECT_THAT(loaded.error().message(), HasSubstr(folder_.path())) << c.when;
  }
}

TEST_F(LoadIdentityTest, RefusesEachWrongFileByItsNumber) {
  struct Case {
    const char* when;
    const char* file;
    const char* text;  // null: the file is missing
    int then;
  };
  const Case kCases[] = {
      {"there is no certificate", "tls.crt", nullptr, pki::event::kCertificateNotFound},
      {"there is no key", "tls.key", nullptr, pki::event::kPrivateKeyMissing},
      {"there are no roots", "ca.crt", nullptr, pki::event::kCertificateNotFound},
      {"the certificate is empty", "tls.crt", "", pki::event::kCertificateNotFound},
      {"the key is no PEM", "tls.key", "not a key", pki::event::kPrivateKeyMissing},
      {"the roots are no PEM", "ca.crt", "not a root", pki::event::kCertificateNotFound},
  };
  for (const Case& c : kCases) {
    folder_.Put(ca_, member_);
    if (c.text == nullptr) {
      std::filesystem::remove(folder_.path() + "/" + c.file);
    } else {
      folder_.Put(c.file, c.text);
    }
    const Result<IdentityPtr> loaded = Load();
    ASSERT_FALSE(loaded) << c.when;
    EXPECT_EQ(loaded.error().event(), c.then) << c.when << ": " << loaded.error();
    EXPECT_THAT(loaded.error().message(), HasSubstr(c.file)) << c.when;
  }
}

TEST_F(LoadIdentityTest, RefusesAMemberAsARoot) {
  folder_.Put("ca.crt", member_.chain.front().ToPem());
  ASSERT_FALSE(Load());
  EXPECT_EQ(Load().error().event(), pki::event::kCertificateNotFound);
}

TEST_F(LoadIdentityTest, UsesNothingOfAHalfWrittenPair) {
  const pki::Credentials renewed = ca_.MakeMember(kHost);
  folder_.Put("tls.crt", IdentityFolder::ChainPem(renewed));
  ASSERT_FALSE(Load()) << "the key is still the former one";
  EXPECT_EQ(Load().error().event(), pki::event::kPrivateKeyMissing);
  folder_.Put("tls.key", renewed.key->ToPem());
  EXPECT_THAT(Load(), base::IsOk());
}

TEST_F(LoadIdentityTest, WarnsOfWhatDoesNotForbidTheUse) {
  folder_.Put(ca_, ca_.MakeFlawed(kHost, Flaw::kLongLived));
  POSTERN_ASSERT_OK_AND_ASSIGN(const IdentityPtr identity, Load());
  EXPECT_THAT(identity->warnings,
              ElementsAre(Property(&base::Error::event, pki::event::kOutlivesIssuer)));
}

}  // namespace
}  // namespace postern::trust
