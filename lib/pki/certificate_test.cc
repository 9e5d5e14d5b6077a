#include "lib/pki/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/pki/internal/certificate_builder.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::pki {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using std::chrono::days;
using testing::ElementsAre;

const base::WallTime kNow{days(22000)};

TEST(Certificate, TellsWhatItSays) {
  const TestAuthority ca("east CA", kNow);
  const Credentials member = ca.MakeMember("gw1.example", {"gw1"});
  const Certificate& leaf = member.chain.front();
  EXPECT_EQ(leaf.common_name(), "gw1.example");
  EXPECT_THAT(leaf.dns_names(), ElementsAre("gw1.example", "gw1"));
  EXPECT_EQ(leaf.subject(), "CN=gw1.example");
  EXPECT_EQ(leaf.issuer(), "CN=east CA");
  EXPECT_EQ(leaf.not_before(), kNow - std::chrono::minutes(5));
  EXPECT_EQ(leaf.not_after(), kNow + days(90));
  EXPECT_EQ(leaf.public_key_id(), member.key->public_key_id());
  EXPECT_THAT(leaf.fingerprint(), testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_THAT(leaf.serial(), testing::MatchesRegex("[0-9a-f]{28,32}"));
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_TRUE(leaf.has_server_auth() && leaf.has_client_auth() && leaf.has_digital_signature());
  EXPECT_FALSE(leaf.has_key_encipherment());
  EXPECT_EQ(leaf.signature_strength(), 128);
}

TEST(Certificate, OfACaTellsItsPathLength) {
  const Certificate root = TestAuthority().authority().certificate();
  EXPECT_TRUE(root.is_ca());
  EXPECT_EQ(root.path_length(), 1);
  EXPECT_FALSE(root.has_server_auth());
}

TEST(Certificate, SurvivesPem) {
  const Certificate root = TestAuthority().authority().certificate();
  POSTERN_ASSERT_OK_AND_ASSIGN(const Certificate again, Certificate::FromPem(root.ToPem()));
  EXPECT_EQ(again, root);
  EXPECT_EQ(again.fingerprint(), root.fingerprint());
}

TEST(Certificate, ReadsAChainInOrderAndSkipsKeys) {
  const TestAuthority ca;
  const Credentials member = ca.MakeMember("gw1");
  const std::string text =
      member.key->ToPem() + member.chain.front().ToPem() + ca.authority().certificate().ToPem();
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto chain, Certificate::ChainFromPem(text));
  EXPECT_THAT(chain, ElementsAre(member.chain.front(), ca.authority().certificate()));
}

TEST(Certificate, RefusesDamagedOrBoundlessChains) {
  const std::string good = TestAuthority().authority().certificate().ToPem();
  std::string many;
  for (int i = 0; i < 17; ++i) many += good;
  EXPECT_THAT(Certificate::ChainFromPem(""), HasCode(Code::kInvalid));
  EXPECT_THAT(Certificate::ChainFromPem("hello"), FailsWith("certificate 1 cannot be read"));
  EXPECT_THAT(Certificate::ChainFromPem(good + good.substr(0, good.size() / 2)),
              FailsWith("certificate 2 cannot be read"));
  EXPECT_THAT(Certificate::ChainFromPem(many), FailsWith("more than 16"));
  EXPECT_THAT(Certificate::ChainFromPem(std::string((1 << 20) + 1, '\n')), FailsWith("1 MiB"));
}

TEST(Certificate, HoldsTimesBeyondOurClockAtItsEnd) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyType::kEcdsaP256));
  const internal::CertificateTemplate content = {.common_name = "gw1",
                                                 .not_before = base::WallTime::min(),
                                                 .not_after = base::WallTime::max()};
  POSTERN_ASSERT_OK_AND_ASSIGN(const Certificate made,
                               internal::BuildCertificate(content, key.public_key(), nullptr, key));
  EXPECT_LE(made.not_before(), base::WallTime::min() + std::chrono::seconds(1));
  EXPECT_GE(made.not_after(), base::WallTime::max() - std::chrono::seconds(1));
}

TEST(FormatTime, SaysUtc) { EXPECT_EQ(FormatTime(kNow), "2030-03-27T00:00:00Z"); }

}  // namespace
}  // namespace postern::pki
