#include "lib/pki/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::pki {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using testing::ElementsAre;

const PrivateKey& Key() {
  static const PrivateKey key = *PrivateKey::Generate(KeyType::kEcdsaP256);
  return key;
}

TEST(Request, CarriesKeyAndNames) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const std::string pem, MakeRequest(Key(), "gw1.example", {"gw1"}));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Request request, ParseRequest(pem));
  EXPECT_EQ(request.host, "gw1.example");
  EXPECT_THAT(request.dns_names, ElementsAre("gw1.example", "gw1"));
  EXPECT_EQ(request.public_key, Key().public_key());
}

TEST(Request, CarriesAHostTooLongForASubject) {
  const std::string host = std::string(60, 'a') + ".branch.example";
  POSTERN_ASSERT_OK_AND_ASSIGN(const std::string pem, MakeRequest(Key(), host, {}));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Request request, ParseRequest(pem));
  EXPECT_EQ(request.host, host);
}

TEST(Request, IsNotMadeForWhatIsNoHost) {
  EXPECT_THAT(MakeRequest(Key(), "*.example", {}), HasCode(Code::kInvalid));
  EXPECT_THAT(MakeRequest(Key(), "gw1", {"gw1,DNS:evil"}), HasCode(Code::kInvalid));
  EXPECT_THAT(MakeRequest(Key(), "gw1", std::vector<std::string>(65, "gw1")),
              FailsWith("more than 64"));
}

TEST(Request, IsRefusedWhenItsSignatureIsAnothers) {
  std::string pem = *MakeRequest(Key(), "gw1.example", {});
  // The last base64 group before the footer lies within the signature.
  const std::size_t end = pem.find("\n-----END");
  char& touched = pem[end - 6];
  touched = touched == 'A' ? 'B' : 'A';
  EXPECT_THAT(ParseRequest(pem), FailsWith("not signed with its own key"));
}

TEST(Request, IsRefusedWithAKeyThatNoMemberMayHave) {
  const TestAuthority ca;
  for (const auto& [flaw, event] : {std::pair{Flaw::kWeakRsa, event::kWeakKey},
                                    std::pair{Flaw::kOddRsa, event::kUnsuitableKey}}) {
    const Credentials odd = ca.MakeFlawed("gw1", flaw);
    POSTERN_ASSERT_OK_AND_ASSIGN(const std::string pem, MakeRequest(*odd.key, "gw1", {}));
    const auto parsed = ParseRequest(pem);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().event(), event);
  }
}

TEST(Request, IsRefusedWhenItIsNoneOrTooLong) {
  EXPECT_THAT(ParseRequest(""), HasCode(Code::kInvalid));
  EXPECT_THAT(ParseRequest(TestAuthority().authority().certificate().ToPem()),
              HasCode(Code::kInvalid));
  EXPECT_THAT(ParseRequest(std::string(17000, ' ')), FailsWith("16 KiB"));
}

}  // namespace
}  // namespace postern::pki
