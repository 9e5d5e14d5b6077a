#include "lib/pki/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "lib/base/testing/matchers.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::pki {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;

TEST(KeyType, IsNamedAsInResources) {
  for (const char* name : {"ECDSAP256", "ECDSAP384", "RSA2048", "RSA3072", "RSA4096"}) {
    POSTERN_ASSERT_OK_AND_ASSIGN(const KeyType type, KeyTypeNamed(name));
    EXPECT_EQ(KeyTypeName(type), name);
  }
  EXPECT_THAT(KeyTypeNamed("DSA"), FailsWith("there are ECDSAP256, ECDSAP384, RSA2048"));
}

TEST(PrivateKey, SurvivesPem) {
  for (const KeyType type : {KeyType::kEcdsaP256, KeyType::kEcdsaP384, KeyType::kRsa2048}) {
    POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(type));
    const std::string pem = key.ToPem();
    EXPECT_THAT(pem, testing::StartsWith("-----BEGIN PRIVATE KEY-----"));
    POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey again, PrivateKey::FromPem(pem));
    EXPECT_EQ(again.public_key(), key.public_key());
    EXPECT_EQ(again.public_key_id(), key.public_key_id());
    EXPECT_THAT(key.public_key_id(), testing::MatchesRegex("sha256:[0-9a-f]{64}"));
  }
}

TEST(PrivateKey, PrintsAsAnEllipsis) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyType::kEcdsaP256));
  std::ostringstream out;
  out << key;
  EXPECT_EQ(out.str(), "…");
}

TEST(PrivateKey, MatchesOnlyItsOwnCertificate) {
  const TestAuthority ca;
  const Credentials one = ca.MakeMember("gw1");
  const Credentials two = ca.MakeMember("gw2");
  POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey rsa, PrivateKey::Generate(KeyType::kRsa2048));
  EXPECT_TRUE(one.key->Matches(one.chain.front()));
  EXPECT_FALSE(one.key->Matches(two.chain.front()));
  EXPECT_FALSE(rsa.Matches(two.chain.front()));
}

TEST(PrivateKey, RefusesWhatIsNoKey) {
  const TestAuthority ca;
  for (const std::string& text :
       {std::string(), std::string("nonsense"), ca.authority().certificate().ToPem(),
        std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}) {
    EXPECT_THAT(PrivateKey::FromPem(text), HasCode(Code::kInvalid)) << text;
  }
  EXPECT_THAT(PrivateKey::FromPem(std::string(70000, 'x')), FailsWith("longer than 64 KiB"));
}

// A key that wants a password must not stop the program at a terminal.
TEST(PrivateKey, RefusesALockedKeyWithoutAsking) {
  constexpr char kLocked[] =
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
      "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
      "-----END RSA PRIVATE KEY-----\n";
  EXPECT_THAT(PrivateKey::FromPem(kLocked), HasCode(Code::kInvalid));
}

TEST(PublicKey, DescribesItself) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey ec, PrivateKey::Generate(KeyType::kEcdsaP384));
  POSTERN_ASSERT_OK_AND_ASSIGN(const PrivateKey rsa, PrivateKey::Generate(KeyType::kRsa2048));
  EXPECT_EQ(ec.public_key().description(), "EC P-384");
  EXPECT_EQ(rsa.public_key().description(), "RSA 2048");
}

}  // namespace
}  // namespace postern::pki
