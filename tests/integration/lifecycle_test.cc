// How a relay is asked to stop, and what becomes of what it holds.
#include <gmock/gmock.h>

#include <csignal>
#include <optional>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
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
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kBatches = 20;
constexpr Process::Exit kLeftUndelivered{.code = 75, .signal = 0};

struct Asking {
  const char* how;
  void (*ask)(Relay&);
};

void PrintTo(const Asking& asking, std::ostream* out) { *out << asking.how; }

void PostDrain(Relay& relay) {
  EXPECT_EQ(http::Ask(relay.Port("admin"), "POST", "/drain").status, 202);
}

constexpr Asking kAskings[] = {
    {"Sigterm", [](Relay& relay) { relay.process().Signal(SIGTERM); }},
    {"Sigint", [](Relay& relay) { relay.process().Signal(SIGINT); }},
    {"PostDrain", PostDrain},
};

class Drain : public testing::TestWithParam<Asking> {
 protected:
  // Leaves a gateway that keeps what it accepts, and whose parent cannot be reached.
  void StartAndCutOff(const std::string& grace) {
    topology_.emplace(
        Topology::Options{.ack = "Memory", .gateway_relay = "  drainGrace: " + grace + "\n"});
    ASSERT_THAT(topology_->Start(), IsOk());
    ASSERT_TRUE(topology_->Linked());
    topology_->gate().Refuse();
    topology_->gate().Reset();
    sender_.emplace(topology_->otlp_port());
    for (int i = 0; i < kBatches; ++i) ASSERT_THAT(sender_->Send(), IsOk());
  }
  void Ask() { GetParam().ask(topology_->gateway()); }

  std::optional<Topology> topology_;
  std::optional<Sender> sender_;
};

TEST_P(Drain, TakesNothingNewPassesOnWhatIsQueuedAndEnds) {
  ASSERT_NO_FATAL_FAILURE(StartAndCutOff("60s"));
  Ask();
  Relay& gateway = topology_->gateway();
  ASSERT_THAT(gateway.process().WaitForLine("draining", kSoon), IsOk());
  const http::Reply ready = gateway.Get("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("draining"));
  EXPECT_EQ(gateway.Get("/livez").status, 200);
  EXPECT_THAT(sender_->SendOnce(), base::FailsWith("gRPC code 14")) << "over its connection";
  EXPECT_THAT(Sender(topology_->otlp_port()).SendOnce(), base::FailsWith("gRPC code 14"))
      << "over a new one";
  EXPECT_TRUE(gateway.process().running()) << "there is something to pass on";

  topology_->gate().Restore();
  EXPECT_THAT(gateway.process().WaitForExit(kSoon), IsOkAndHolds(Process::Exit{}));
  const std::vector<std::string> delivered = topology_->AwaitDelivered(sender_->accepted());
  EXPECT_THAT(Lost(sender_->accepted(), delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty());
}

TEST_P(Drain, EndsWithItsGraceAndKeepsWhatIsLeft) {
  ASSERT_NO_FATAL_FAILURE(StartAndCutOff("2s"));
  Ask();
  Process& gateway = topology_->gateway().process();
  EXPECT_THAT(gateway.WaitForExit(std::chrono::milliseconds(1500)),
              base::HasCode(base::Code::kTimeout));
  EXPECT_THAT(gateway.WaitForExit(kSoon), IsOkAndHolds(kLeftUndelivered));
  EXPECT_THAT(gateway.WaitForLine("relay stopped", kSoon),
              IsOkAndHolds(HasSubstr("undelivered=0 kept_for_next_start=true")));

  topology_->gate().Restore();
  ASSERT_THAT(topology_->RestartGateway(), IsOk());
  const std::vector<std::string> delivered = topology_->AwaitDelivered(sender_->accepted());
  EXPECT_THAT(Lost(sender_->accepted(), delivered), IsEmpty()) << "kept, and passed on";
  EXPECT_THAT(Repeated(delivered), IsEmpty());
}

// Kubernetes asks by POST before it sends SIGTERM, and may ask again: that loses nothing.
TEST_P(Drain, GoesOnUntilASecondSignal) {
  ASSERT_NO_FATAL_FAILURE(StartAndCutOff("1h"));
  Ask();
  Process& gateway = topology_->gateway().process();
  ASSERT_THAT(gateway.WaitForLine("draining", kSoon), IsOk());
  PostDrain(topology_->gateway());
  if (std::string_view(GetParam().how) == "PostDrain") gateway.Signal(SIGTERM);
  EXPECT_THAT(gateway.WaitForExit(std::chrono::milliseconds(1500)),
              base::HasCode(base::Code::kTimeout));
  gateway.Signal(SIGTERM);
  EXPECT_THAT(gateway.WaitForExit(kSoon), IsOkAndHolds(kLeftUndelivered));
  EXPECT_THAT(gateway.WaitForLine("relay stopped", kSoon),
              IsOkAndHolds(HasSubstr("kept_for_next_start=true")));
}

INSTANTIATE_TEST_SUITE_P(AskedBy, Drain, testing::ValuesIn(kAskings),
                         [](const auto& asking) { return std::string(asking.param.how); });

// A management server that is replaced by another version of itself.
class Restart : public testing::TestWithParam<const char*> {};

TEST_P(Restart, OfTheManagementServerLosesNothing) {
  Topology topology({.ack = GetParam()});
  ASSERT_THAT(topology.Start(), IsOk());
  SteadySender sender(topology.otlp_port());
  ASSERT_TRUE(sender.AwaitMore(10));
  EXPECT_THAT(topology.server().Terminate(), IsOkAndHolds(Process::Exit{}));
  ASSERT_THAT(topology.RestartServer(), IsOk());
  EXPECT_TRUE(topology.Linked());
  EXPECT_TRUE(sender.AwaitMore(10)) << "exports go on";
  sender.Stop();
  EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
  const std::vector<std::string> delivered = topology.AwaitDelivered(sender.accepted());
  EXPECT_THAT(Lost(sender.accepted(), delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty());
  EXPECT_THAT(sender.refusals(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Ack, Restart, testing::Values("EndToEnd", "Durable"),
                         [](const auto& ack) { return std::string(ack.param); });

TEST(Stop, OfARelayThatHoldsNothingEndsClean) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  EXPECT_EQ(http::Ask(topology.server().Port("admin"), "POST", "/drain").status, 202);
  EXPECT_THAT(topology.server().process().WaitForExit(kSoon), IsOkAndHolds(Process::Exit{}));
  EXPECT_TRUE(Eventually([&] { return !topology.gateway().Ready(); }, kSoon));
  EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
}

}  // namespace
}  // namespace postern::integration
