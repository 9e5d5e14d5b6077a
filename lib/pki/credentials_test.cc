#include "lib/pki/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "lib/base/testing/matchers.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::pki {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using testing::HasSubstr;

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    std::string pattern = testing::TempDir() + "postern-pki-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~CredentialsTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  std::string folder_;
  const TestAuthority ca_;
  const Credentials member_ = ca_.MakeMember("gw1.example");
};

TEST_F(CredentialsTest, AreLoadedFromAPairOfFiles) {
  const std::string chain = member_.chain.front().ToPem() + ca_.authority().certificate().ToPem();
  POSTERN_ASSERT_OK_AND_ASSIGN(
      const Credentials loaded,
      LoadCredentials(Write("tls.crt", chain), Write("tls.key", member_.key->ToPem())));
  EXPECT_EQ(loaded.chain.size(), 2U);
  EXPECT_TRUE(loaded.key->Matches(member_.chain.front()));
}

TEST_F(CredentialsTest, TellWhichFileIsMissingAndWhatToDo) {
  const std::string certificate = Write("tls.crt", member_.chain.front().ToPem());
  const auto no_certificate = LoadCredentials(folder_ + "/none.crt", folder_ + "/none.key");
  ASSERT_THAT(no_certificate, HasCode(Code::kNotFound));
  EXPECT_EQ(no_certificate.error().event(), event::kCertificateNotFound);
  EXPECT_THAT(no_certificate.error().message(), HasSubstr("/none.crt: No such file"));
  EXPECT_THAT(no_certificate.error().message(), HasSubstr("enrol this member"));

  const auto no_key = LoadCredentials(certificate, folder_ + "/none.key");
  ASSERT_THAT(no_key, HasCode(Code::kNotFound));
  EXPECT_EQ(no_key.error().event(), event::kPrivateKeyMissing);
}

TEST_F(CredentialsTest, AreRefusedWhenTheKeyIsAnothers) {
  const Credentials other = ca_.MakeMember("gw2.example");
  const auto loaded = LoadCredentials(Write("tls.crt", member_.chain.front().ToPem()),
                                      Write("tls.key", other.key->ToPem()));
  ASSERT_THAT(loaded, FailsWith("does not belong to the certificate"));
  EXPECT_EQ(loaded.error().event(), event::kPrivateKeyMissing);
}

TEST_F(CredentialsTest, AreRefusedFromWhatIsNoFileOrTooLong) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(LoadCredentials(pipe, pipe), FailsWith("not a regular file"));
  EXPECT_THAT(LoadCredentials(folder_, folder_), FailsWith("not a regular file"));
  const std::string long_file = Write("long", std::string((1 << 20) + 1, 'x'));
  EXPECT_THAT(LoadCredentials(long_file, long_file), FailsWith("longer than 1 MiB"));
}

TEST_F(CredentialsTest, RootsAreCasOnly) {
  const std::string root = ca_.authority().certificate().ToPem();
  EXPECT_EQ(LoadRoots(Write("roots", root))->size(), 1U);
  EXPECT_THAT(LoadRoots(Write("mixed", root + member_.chain.front().ToPem())),
              FailsWith("CN=gw1.example is not the certificate of a CA"));
  EXPECT_THAT(LoadRoots(folder_ + "/none"), HasCode(Code::kNotFound));
}

}  // namespace
}  // namespace postern::pki
