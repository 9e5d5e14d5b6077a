#include <gmock/gmock.h>

#include <thread>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/integration/client.h"
#include "tests/integration/topology.h"

namespace postern::integration {
namespace {

using base::IsOk;
using otlp::Signal;
using support::Direction;
using support::Process;
using testing::IsSupersetOf;
using testing::UnorderedElementsAreArray;

constexpr int kUnavailable = 14;

// Sends until it is taken, as a client with retry does.
bool ExportAtLast(Client& client, Signal signal, const std::string& body) {
  const auto until = std::chrono::steady_clock::now() + kSoon;
  while (std::chrono::steady_clock::now() < until) {
    const int code = client.Export(signal, body);
    if (code == 0) return true;
    if (code != kUnavailable) return false;
  }
  return false;
}

TEST(Delivery, CarriesEachSignalToTheFileBackend) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  Client client(topology.otlp_port());
  for (const Signal signal : {Signal::kLogs, Signal::kMetrics, Signal::kTraces}) {
    const otlp::Sample sample{.records = 10, .seed = 7};
    ASSERT_TRUE(ExportAtLast(client, signal, otlp::MakeExport(signal, sample)));
    EXPECT_THAT(topology.Delivered(signal), UnorderedElementsAreArray(otlp::SampleIds(sample)));
  }
  EXPECT_EQ(*topology.StopGateway(), Process::Exit{});
  EXPECT_EQ(*topology.StopServer(), Process::Exit{});
}

// A client that sends numbered batches of five records and remembers those that were taken.
class Sender {
 public:
  explicit Sender(std::uint16_t port) : client_(port) {}

  bool Send() {
    const otlp::Sample sample{.records = 5, .seed = ++seed_};
    if (!ExportAtLast(client_, Signal::kLogs, otlp::MakeExport(Signal::kLogs, sample)))
      return false;
    for (const std::string& id : otlp::SampleIds(sample)) accepted_.push_back(id);
    return true;
  }
  const std::vector<std::string>& accepted() const { return accepted_; }

 private:
  Client client_;
  std::uint32_t seed_ = 0;
  std::vector<std::string> accepted_;
};

struct Fault {
  const char* what;
  void (*apply)(support::TcpGate&);
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.what; }

constexpr Fault kFaults[] = {
    {"RefuseAfterAReset",
     [](support::TcpGate& gate) {
       gate.Refuse();
       gate.Reset();
     }},
    {"Reset", [](support::TcpGate& gate) { gate.Reset(); }},
    {"FreezeToTheParent", [](support::TcpGate& gate) { gate.Freeze(Direction::kToTarget); }},
    {"FreezeToTheChild", [](support::TcpGate& gate) { gate.Freeze(Direction::kToClient); }},
    {"SlowToTheParent", [](support::TcpGate& gate) { gate.Slow(Direction::kToTarget, 20'000); }},
    {"SlowToTheChild", [](support::TcpGate& gate) { gate.Slow(Direction::kToClient, 20'000); }},
    {"CutMidFrameToTheParent",
     [](support::TcpGate& gate) {
       gate.CutAfter(Direction::kToTarget, 300, support::Ending::kReset);
     }},
    {"CutMidFrameToTheChild",
     [](support::TcpGate& gate) {
       gate.CutAfter(Direction::kToClient, 30, support::Ending::kEnd);
     }},
};

class LinkFault : public testing::TestWithParam<Fault> {};

TEST_P(LinkFault, EndToEndLosesNothingThatWasAnsweredWithOk) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  ASSERT_TRUE(sender.Send());
  GetParam().apply(topology.gate());
  std::thread under_fault([&sender] { EXPECT_TRUE(sender.Send()); });
  std::this_thread::sleep_for(std::chrono::seconds(2));  // deadAfter is 1 s
  topology.gate().Restore();
  under_fault.join();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sender.Send()) << "all is well again";
  EXPECT_THAT(topology.Delivered(Signal::kLogs), IsSupersetOf(sender.accepted()));
  EXPECT_EQ(*topology.StopGateway(), Process::Exit{});
}

TEST_P(LinkFault, MemoryDeliversEveryRecordOnce) {
  Topology topology({.ack = "Memory"});
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  ASSERT_TRUE(sender.Send());
  GetParam().apply(topology.gate());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(sender.Send()) << "answered without the parent";
  std::this_thread::sleep_for(std::chrono::seconds(2));  // deadAfter is 1 s
  topology.gate().Restore();
  ASSERT_TRUE(sender.Send());
  EXPECT_EQ(*topology.StopGateway(), Process::Exit{}) << "drained";
  EXPECT_THAT(topology.Delivered(Signal::kLogs), UnorderedElementsAreArray(sender.accepted()));
}

INSTANTIATE_TEST_SUITE_P(Every, LinkFault, testing::ValuesIn(kFaults),
                         [](const auto& fault) { return std::string(fault.param.what); });

TEST(Delivery, SurvivesAKilledManagementServer) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  ASSERT_TRUE(sender.Send());
  ASSERT_THAT(topology.KillAndRestartServer(), IsOk());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sender.Send());
  EXPECT_THAT(topology.Delivered(Signal::kLogs), IsSupersetOf(sender.accepted()));
  EXPECT_EQ(*topology.StopGateway(), Process::Exit{});
}

}  // namespace
}  // namespace postern::integration
