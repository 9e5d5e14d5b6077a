#include <gmock/gmock.h>

#include <optional>
#include <random>
#include <thread>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/integration/client.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::integration {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using otlp::Signal;
using support::Direction;
using support::Eventually;
using support::Process;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

TEST(Delivery, CarriesEachSignalToTheFileBackend) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  Client client(topology.otlp_port());
  for (const Signal signal : {Signal::kLogs, Signal::kMetrics, Signal::kTraces}) {
    const otlp::Sample sample{.records = 10, .seed = 7};
    ASSERT_EQ(client.ExportAtLast(signal, otlp::MakeExport(signal, sample)).grpc_code, kGrpcOk);
    EXPECT_THAT(topology.Delivered(signal), UnorderedElementsAreArray(otlp::SampleIds(sample)));
  }
  EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
  EXPECT_THAT(topology.server().Terminate(), IsOkAndHolds(Process::Exit{}));
}

// What becomes of a link while a fault holds.
enum class Fate : std::uint8_t {
  kLost,      // and no other can be made
  kReplaced,  // at once: its end is heard
  kGivenUp,   // once it was silent for deadAfter, although nobody ended it
  kKept,      // slow is not dead
};

struct Fault {
  const char* what;
  Fate fate;
  void (*apply)(support::TcpGate&);
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.what; }

constexpr Fault kFaults[] = {
    {"RefuseAfterAReset", Fate::kLost,
     [](support::TcpGate& gate) {
       gate.Refuse();
       gate.Reset();
     }},
    {"Reset", Fate::kReplaced, [](support::TcpGate& gate) { gate.Reset(); }},
    {"FreezeToTheParent", Fate::kGivenUp,
     [](support::TcpGate& gate) { gate.Freeze(Direction::kToTarget); }},
    {"FreezeToTheChild", Fate::kGivenUp,
     [](support::TcpGate& gate) { gate.Freeze(Direction::kToClient); }},
    {"SlowToTheParent", Fate::kKept,
     [](support::TcpGate& gate) { gate.Slow(Direction::kToTarget, 20'000); }},
    {"SlowToTheChild", Fate::kKept,
     [](support::TcpGate& gate) { gate.Slow(Direction::kToClient, 20'000); }},
    {"CutMidFrameToTheParent", Fate::kReplaced,
     [](support::TcpGate& gate) {
       gate.CutAfter(Direction::kToTarget, 300, support::Ending::kReset);
     }},
    {"CutMidFrameToTheChild", Fate::kReplaced,
     [](support::TcpGate& gate) {
       gate.CutAfter(Direction::kToClient, 30, support::Ending::kEnd);
     }},
};

class LinkFault : public testing::TestWithParam<Fault> {
 protected:
  void StartLinked(const std::string& ack) {
    topology_.emplace(Topology::Options{.ack = ack});
    ASSERT_THAT(topology_->Start(), IsOk());
    ASSERT_THAT(topology_->gateway().process().WaitForLine("linked to parent", kSoon), IsOk());
    links_ = topology_->gate().accepted();
  }

  // Requires that something is being sent: faults that cut need bytes.
  void ExpectTheFate() {
    support::TcpGate& gate = topology_->gate();
    Process& gateway = topology_->gateway().process();
    switch (GetParam().fate) {
      case Fate::kLost:
        EXPECT_THAT(gateway.WaitForLine("no link to a parent", kSoon), IsOk());
        EXPECT_FALSE(topology_->gateway().Ready());
        break;
      case Fate::kReplaced:
        EXPECT_TRUE(Eventually([&] { return gate.accepted() > links_; }, kSoon));
        EXPECT_THAT(gateway.WaitForLine("linked to parent", kSoon), IsOk());
        break;
      case Fate::kGivenUp:
        EXPECT_THAT(gateway.WaitForLine("was silent for", kSoon), IsOk());
        EXPECT_TRUE(Eventually([&] { return gate.accepted() > links_; }, kSoon)) << "dials again";
        break;
      case Fate::kKept: break;  // while more is sent; the number of links tells in the end
    }
  }
  void RestoreAndExpectALink() {
    topology_->gate().Restore();
    EXPECT_TRUE(topology_->Linked());
    const bool kept = topology_->gate().accepted() == links_;
    EXPECT_EQ(kept, GetParam().fate == Fate::kKept);
  }

  std::optional<Topology> topology_;
  std::uint64_t links_ = 0;  // made before the fault
};

TEST_P(LinkFault, EndToEndLosesNothingThatWasAnsweredWithOk) {
  ASSERT_NO_FATAL_FAILURE(StartLinked("EndToEnd"));
  SteadySender sender(topology_->otlp_port());
  ASSERT_TRUE(sender.AwaitMore(1));
  GetParam().apply(topology_->gate());
  ExpectTheFate();
  if (GetParam().fate == Fate::kKept) {
    ASSERT_TRUE(sender.AwaitMore(3)) << "slow, but alive";
  }
  RestoreAndExpectALink();
  ASSERT_TRUE(sender.AwaitMore(5)) << "all is well again";
  sender.Stop();
  EXPECT_THAT(Lost(sender.accepted(), topology_->Delivered(Signal::kLogs)), IsEmpty());
  EXPECT_THAT(sender.refusals(), IsEmpty());
  EXPECT_THAT(topology_->gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
}

TEST_P(LinkFault, DurableDeliversEveryRecordOnce) {
  ASSERT_NO_FATAL_FAILURE(StartLinked("Durable"));
  Sender sender(topology_->otlp_port());
  ASSERT_THAT(sender.Send(), IsOk());
  GetParam().apply(topology_->gate());
  for (int i = 0; i < 20; ++i) ASSERT_THAT(sender.SendOnce(), IsOk()) << "without the parent";
  ExpectTheFate();
  RestoreAndExpectALink();
  ASSERT_THAT(sender.Send(), IsOk());
  EXPECT_THAT(topology_->gateway().Terminate(), IsOkAndHolds(Process::Exit{})) << "drained";
  const std::vector<std::string> delivered = topology_->AwaitDelivered(sender.accepted());
  EXPECT_THAT(Lost(sender.accepted(), delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Every, LinkFault, testing::ValuesIn(kFaults),
                         [](const auto& fault) { return std::string(fault.param.what); });

// === kill -9 of anybody, at any time ===

struct Victims {
  const char* name;
  bool gateway;
  bool server;
};

void PrintTo(const Victims& victims, std::ostream* out) { *out << victims.name; }

class Kill : public testing::TestWithParam<Victims> {};

TEST_P(Kill, LosesNothingThatWasAnsweredWithOk) {
  constexpr int kKills = 12;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Topology topology({.ack = "Durable"});
  ASSERT_THAT(topology.Start(), IsOk());
  SteadySender sender(topology.otlp_port(), SteadySender::Patience::kOnce);
  double redelivered = 0;  // batches, as each management server counted them
  const auto count = [&] {
    redelivered += topology.server().Metric("postern_relay_redelivered_records_total").value_or(0);
  };
  for (int kill = 0; kill < kKills; ++kill) {
    ASSERT_TRUE(sender.AwaitMore(static_cast<int>(random() % 50))) << "before kill " << kill;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    const bool gateway = GetParam().gateway && (!GetParam().server || random() % 2 == 0);
    if (gateway) {
      ASSERT_THAT(topology.KillAndRestartGateway(), IsOk()) << kill;
    } else {
      count();
      ASSERT_THAT(topology.KillAndRestartServer(), IsOk()) << kill;
    }
  }
  ASSERT_TRUE(sender.AwaitMore(20)) << "all is well again";
  sender.Stop();
  const std::vector<std::string> delivered = topology.AwaitDelivered(sender.accepted());
  EXPECT_THAT(Lost(sender.accepted(), delivered), IsEmpty());
  // A management server that was killed gives its backend again what it had no time to write down,
  // and says so. A batch that it was giving when it was killed again may not be counted.
  count();
  const double most = GetParam().server ? redelivered + kKills : 0;
  EXPECT_LE(Repeated(delivered).size(), most * Sender::kRecords);
}

INSTANTIATE_TEST_SUITE_P(Of, Kill,
                         testing::Values(Victims{"TheGateway", true, false},
                                         Victims{"TheServer", false, true},
                                         Victims{"Both", true, true}),
                         [](const auto& victims) { return std::string(victims.param.name); });

TEST(Delivery, SurvivesAKilledManagementServer) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  SteadySender sender(topology.otlp_port());
  ASSERT_TRUE(sender.AwaitMore(10));
  ASSERT_THAT(topology.KillAndRestartServer(), IsOk());
  EXPECT_TRUE(sender.AwaitMore(10)) << "exports go on";
  sender.Stop();
  EXPECT_THAT(Lost(sender.accepted(), topology.Delivered(Signal::kLogs)), IsEmpty());
  EXPECT_THAT(sender.refusals(), IsEmpty());
  EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
}

TEST(Delivery, SurvivesAManagementServerThatIsKilledWithWhatItDidNotAnswer) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  SteadySender sender(topology.otlp_port());
  ASSERT_TRUE(sender.AwaitMore(1));
  topology.server().process().Stop();
  const auto one_waits = [&gateway = topology.gateway()] {
    const auto taken = gateway.Metric("postern_relay_accepted_records_total{signal=\"logs\"}");
    const auto answered = gateway.Metric("postern_relay_answered_records_total{outcome=\"ok\"}");
    return taken && answered && *taken > *answered;
  };
  ASSERT_TRUE(Eventually(one_waits, kSoon));
  ASSERT_THAT(topology.KillAndRestartServer(), IsOk());
  EXPECT_TRUE(sender.AwaitMore(5)) << "exports go on";
  sender.Stop();
  EXPECT_THAT(Lost(sender.accepted(), topology.Delivered(Signal::kLogs)), IsEmpty());
  EXPECT_THAT(sender.refusals(), IsEmpty());
}

}  // namespace
}  // namespace postern::integration
