// New certificates and new roots while records flow: the successor carries before a link ends.
#include <gmock/gmock.h>

#include <optional>

#include "lib/base/testing/matchers.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::integration {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using otlp::Signal;
using support::Eventually;
using support::Process;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// With each way of answering, under load, seen by a client that never sends anything twice.
class Rotation : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    topology_.emplace(Topology::Options{.ack = GetParam()});
    ASSERT_THAT(topology_->Start(), IsOk());
    ASSERT_THAT(gateway().process().WaitForLine("linked to parent", kSoon),
                IsOkAndHolds(HasSubstr("replaced=false")));
    sender_.emplace(topology_->otlp_port(), SteadySender::Patience::kOnce);
    ASSERT_TRUE(sender_->AwaitMore(10));
  }
  void TearDown() override {
    sender_->Stop();
    EXPECT_THAT(sender_->refusals(), IsEmpty());
    EXPECT_THAT(gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
    const std::vector<std::string> delivered = topology_->AwaitDelivered(sender_->accepted());
    EXPECT_THAT(Lost(sender_->accepted(), delivered), IsEmpty());
    EXPECT_THAT(Repeated(delivered), IsEmpty());
  }

  Relay& gateway() { return topology_->gateway(); }
  Relay& server() { return topology_->server(); }

  void ShowAndExpectUse(Relay& relay, const pki::Credentials& fresh) {
    relay.SetIdentity(fresh);
    const std::string serial = fresh.chain.front().serial();
    EXPECT_THAT(relay.process().WaitForLine("serial=" + serial, kSoon),
                IsOkAndHolds(AllOf(HasSubstr("certificate loaded"), HasSubstr("event=20053"))));
  }
  void BelieveAndExpectUse(Relay& relay, const std::vector<pki::Certificate>& roots) {
    relay.SetRoots(roots);
    EXPECT_THAT(relay.process().WaitForLine("event=20053", kSoon), IsOk());
  }
  // A link that was dialled after the files were read has taken over, and the old one is gone.
  void ExpectASuccessor() {
    EXPECT_THAT(gateway().process().WaitForLine("linked to parent", kSoon),
                IsOkAndHolds(HasSubstr("replaced=true")));
    EXPECT_TRUE(Eventually([this] { return topology_->gate().open() == 1; }, kSoon));
    EXPECT_TRUE(sender_->AwaitMore(10));
  }

  std::optional<Topology> topology_;
  std::optional<SteadySender> sender_;
};

TEST_P(Rotation, OfTheGatewaysLeafInterruptsNothing) {
  ShowAndExpectUse(gateway(), topology_->authority().MakeMember("gw1.example"));
  ExpectASuccessor();
}

TEST_P(Rotation, OfTheServersLeafInterruptsNothing) {
  ShowAndExpectUse(server(), topology_->authority().MakeMember("ms1.example"));
  ExpectASuccessor();
}

TEST_P(Rotation, OfTheRootsInterruptsNothing) {
  const pki::TestAuthority successor("next CA");
  const pki::Certificate former = topology_->authority().authority().certificate();
  const pki::Certificate next = successor.authority().certificate();
  BelieveAndExpectUse(server(), {former, next});
  BelieveAndExpectUse(gateway(), {former, next});
  ShowAndExpectUse(gateway(), successor.MakeMember("gw1.example"));
  ShowAndExpectUse(server(), successor.MakeMember("ms1.example"));
  EXPECT_TRUE(sender_->AwaitMore(10));
  EXPECT_TRUE(Eventually([this] { return topology_->gate().open() == 1; }, kSoon));

  // Whoever still showed the former CA's certificate would be cut off now.
  BelieveAndExpectUse(server(), {next});
  BelieveAndExpectUse(gateway(), {next});
  EXPECT_TRUE(sender_->AwaitMore(10));
  EXPECT_THAT(server().Log(), Not(HasSubstr("event=20072")));
  EXPECT_THAT(gateway().Log(), Not(HasSubstr("no link to a parent")));
}

TEST_P(Rotation, ToACertificateThatIsNoGoodKeepsTheOldOneAndTellsWhy) {
  const pki::TestAuthority stranger("another CA");
  gateway().SetIdentity(stranger.MakeMember("gw1.example"));
  EXPECT_THAT(gateway().process().WaitForLine("new certificate refused", kSoon),
              IsOkAndHolds(HasSubstr("event=")));
  EXPECT_TRUE(sender_->AwaitMore(10));
  ShowAndExpectUse(gateway(), topology_->authority().MakeMember("gw1.example"));
  ExpectASuccessor();
}

INSTANTIATE_TEST_SUITE_P(With, Rotation, testing::Values("EndToEnd", "Durable"),
                         [](const auto& ack) { return std::string(ack.param); });

}  // namespace
}  // namespace postern::integration
