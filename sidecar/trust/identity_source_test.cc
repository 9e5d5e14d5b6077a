#include "sidecar/trust/identity_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "lib/base/testing/manual_loop.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"
#include "sidecar/trust/testing/identity_folder.h"

namespace postern::trust {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Property;
using testing::SizeIs;

constexpr const char* kHost = "gw1.example";
constexpr base::Duration kSoon = seconds(1);  // "looks at the files every half second"

class IdentitySourceTest : public testing::Test {
 protected:
  void Start() {
    folder_.Put(ca_, member_);
    StartFrom(folder_.files());
  }
  void StartFrom(const IdentityFiles& files) {
    auto first = LoadIdentity(files, kHost, 1, loop_.clock().WallNow());
    ASSERT_TRUE(first) << first.error();
    source_.emplace(
        loop_, files, *first,
        IdentitySource::Hooks{
            .on_change = [this](IdentityPtr next) { changes_.push_back(std::move(next)); },
            .on_refused = [this](const base::Error& why) { refusals_.push_back(why); }});
  }

  base::ManualLoop loop_;
  const pki::TestAuthority ca_{"test CA", loop_.clock().WallNow()};
  const pki::Credentials member_ = ca_.MakeMember(kHost);
  const IdentityFolder folder_;
  std::vector<IdentityPtr> changes_;
  std::vector<base::Error> refusals_;
  std::optional<IdentitySource> source_;
};

TEST_F(IdentitySourceTest, TellsNothingWhileNothingChanges) {
  Start();
  loop_.Advance(hours(1));
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_THAT(refusals_, IsEmpty());
  EXPECT_EQ(source_->current()->serial, member_.chain.front().serial());
}

TEST_F(IdentitySourceTest, PublishesAReplacedLeafUnderTheNextGeneration) {
  Start();
  const pki::Credentials renewed = ca_.MakeMember(kHost);
  folder_.Put(ca_, renewed);
  loop_.Advance(kSoon);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_EQ(changes_[0]->serial, renewed.chain.front().serial());
  EXPECT_EQ(changes_[0]->generation, 2U);
  EXPECT_EQ(source_->current(), changes_[0]);
}

TEST_F(IdentitySourceTest, PublishesNewRootsUnderTheSameLeaf) {
  Start();
  const pki::TestAuthority next("next CA", ca_.now());
  folder_.Put("ca.crt",
              ca_.authority().certificate().ToPem() + next.authority().certificate().ToPem());
  loop_.Advance(kSoon);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_THAT(changes_[0]->trust.roots, SizeIs(2));
}

TEST_F(IdentitySourceTest, KeepsTheOldOneWhileAPairIsHalfWrittenAndTellsItOnce) {
  Start();
  const pki::Credentials renewed = ca_.MakeMember(kHost);
  folder_.Put("tls.crt", IdentityFolder::ChainPem(renewed));
  loop_.Advance(seconds(10));
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_THAT(refusals_,
              ElementsAre(Property(&base::Error::event, pki::event::kPrivateKeyMissing)));
  EXPECT_EQ(source_->current()->serial, member_.chain.front().serial());

  folder_.Put("tls.key", renewed.key->ToPem());
  loop_.Advance(kSoon);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_EQ(changes_[0]->serial, renewed.chain.front().serial());
  EXPECT_THAT(refusals_, SizeIs(1));
}

TEST_F(IdentitySourceTest, TellsEachNewBadStateAgain) {
  Start();
  folder_.Put("tls.key", "damaged");
  loop_.Advance(seconds(10));
  folder_.Put("tls.crt", "damaged too");
  loop_.Advance(seconds(10));
  EXPECT_THAT(refusals_,
              ElementsAre(Property(&base::Error::event, pki::event::kPrivateKeyMissing),
                          Property(&base::Error::event, pki::event::kCertificateNotFound)));
}

TEST_F(IdentitySourceTest, KeepsTheOldOneWhenTheFilesAreGone) {
  Start();
  for (const std::string& file :
       {folder_.files().chain, folder_.files().key, folder_.files().roots}) {
    fs::remove(file);
  }
  loop_.Advance(seconds(10));
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_THAT(refusals_, SizeIs(1));
  EXPECT_EQ(source_->current()->serial, member_.chain.front().serial());
}

TEST_F(IdentitySourceTest, TakesALeafUpWhenItsTimeComes) {
  Start();
  const pki::Credentials early = ca_.MakeFlawed(kHost, pki::Flaw::kNotYetValid);
  folder_.Put(ca_, early);
  loop_.Advance(seconds(10));
  ASSERT_THAT(refusals_,
              ElementsAre(Property(&base::Error::event, pki::event::kNotCurrentlyValid)));
  loop_.fake_clock().StepWall(early.chain.front().not_before() + seconds(1));
  loop_.Advance(seconds(61));
  ASSERT_THAT(changes_, SizeIs(1))
      << "nobody touches the files again when a certificate comes of age";
  EXPECT_THAT(refusals_, SizeIs(1));
}

// kubelet writes a new folder beside the old one, points "..data" at it by one rename, and the
// files are links through "..data": their names never change.
TEST_F(IdentitySourceTest, SeesASecretMountSwapItsLink) {
  const IdentityFolder first;
  const IdentityFolder second;
  const pki::Credentials renewed = ca_.MakeMember(kHost);
  first.Put(ca_, member_);
  second.Put(ca_, renewed);
  fs::create_directory_symlink(first.path(), folder_.path() + "/..data");
  for (const char* name : {"tls.crt", "tls.key", "ca.crt"}) {
    fs::create_symlink(std::string("..data/") + name, folder_.path() + "/" + name);
  }
  StartFrom(folder_.files());
  loop_.Advance(kSoon);
  ASSERT_THAT(changes_, IsEmpty());

  fs::create_directory_symlink(second.path(), folder_.path() + "/..data_tmp");
  fs::rename(folder_.path() + "/..data_tmp", folder_.path() + "/..data");
  loop_.Advance(kSoon);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_EQ(changes_[0]->serial, renewed.chain.front().serial());
  EXPECT_THAT(refusals_, IsEmpty());
}

// Between the load of `first` and the source's first look there is time for a rotation.
TEST_F(IdentitySourceTest, SeesAChangeThatCameBeforeItsFirstLook) {
  folder_.Put(ca_, member_);
  auto first = LoadIdentity(folder_.files(), kHost, 1, loop_.clock().WallNow());
  ASSERT_TRUE(first);
  const pki::Credentials renewed = ca_.MakeMember(kHost);
  folder_.Put(ca_, renewed);
  source_.emplace(
      loop_, folder_.files(), *first,
      IdentitySource::Hooks{
          .on_change = [this](IdentityPtr next) { changes_.push_back(std::move(next)); },
          .on_refused = [this](const base::Error& why) { refusals_.push_back(why); }});
  loop_.Advance(kSoon);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_EQ(changes_[0]->serial, renewed.chain.front().serial());
}

}  // namespace
}  // namespace postern::trust
