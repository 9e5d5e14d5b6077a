#include "lib/pki/check_own.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::pki {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<int> Numbers(const std::vector<base::Error>& findings) {
  std::vector<int> numbers;
  for (const base::Error& finding : findings) numbers.push_back(finding.event());
  return numbers;
}

class CheckOwnTest : public testing::Test {
 protected:
  const base::WallTime now_ = base::WallTime(days(22000));
  const TestAuthority ca_{"east CA", now_};
};

struct Case {
  const char* when;
  Flaw flaw;
  std::vector<int> then;
};

const Case kCases[] = {
    {"nothing is wrong", Flaw::kNone, {}},
    {"it ended", Flaw::kExpired, {20049}},
    {"it has not started", Flaw::kNotYetValid, {20049}},
    {"no extended usage", Flaw::kNoExtendedUsage, {20050}},
    {"another host", Flaw::kWrongCommonName, {20052}},
    {"a weak key", Flaw::kWeakRsa, {61006}},
    {"a key of another kind", Flaw::kEd25519, {20069}},
    {"a weak signature", Flaw::kSha1Signature, {61006}},
    {"no digital signature", Flaw::kNoDigitalSignature, {20069}},
    {"a CA's certificate", Flaw::kCaAsLeaf, {20069}},
    {"another's key", Flaw::kWrongKey, {20068}},
    {"signed by itself", Flaw::kSelfSigned, {20072}},
    {"signed by somebody else", Flaw::kOtherAuthority, {20072}},
    {"longer than half the CA's life", Flaw::kLongLived, {61003}},
};

TEST_F(CheckOwnTest, FindsEachFlaw) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.when);
    const Credentials own = ca_.MakeFlawed("gw1.example", row.flaw);
    EXPECT_THAT(Numbers(CheckOwn(own, "gw1.example", ca_.trust(), now_)),
                ElementsAreArray(row.then));
  }
}

TEST_F(CheckOwnTest, TellsAllFindingsAtOnce) {
  Credentials own = ca_.MakeFlawed("gw1.example", Flaw::kNoExtendedUsage);
  own.key.reset();
  Trust trust = ca_.trust();
  trust.denied_hosts = {"gw1.example"};
  EXPECT_THAT(Numbers(CheckOwn(own, "gw2.example", trust, now_ + days(100))),
              ElementsAre(20068, 20049, 20050, 20052, 61001));
}

TEST_F(CheckOwnTest, AsksForACertificateWhereThereIsNone) {
  EXPECT_THAT(Numbers(CheckOwn({}, "gw1", ca_.trust(), now_)), ElementsAre(21021));
}

TEST_F(CheckOwnTest, LeavesTrustAloneWhereNoneIsKnownYet) {
  const Credentials own = ca_.MakeFlawed("gw1", Flaw::kSelfSigned);
  EXPECT_THAT(CheckOwn(own, "gw1", {}, now_), ElementsAre());
}

TEST_F(CheckOwnTest, OnlyWarnsOfALongLife) {
  EXPECT_EQ(FindEvent(event::kOutlivesIssuer)->severity, Severity::kWarning);
}

}  // namespace
}  // namespace postern::pki
