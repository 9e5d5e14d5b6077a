#include <gmock/gmock.h>

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

struct Fault {
  const char* what;
  void (*apply)(support::TcpGate&);
};

class LinkFault : public testing::TestWithParam<Fault> {};

TEST_P(LinkFault, LosesNothingThatWasAnsweredWithOk) {
  Topology topology({});
  ASSERT_THAT(topology.Start(), IsOk());
  Client client(topology.otlp_port());
  std::vector<std::string> accepted;
  const auto send = [&](std::uint32_t seed) {
    const otlp::Sample sample{.records = 5, .seed = seed};
    ASSERT_TRUE(ExportAtLast(client, Signal::kLogs, otlp::MakeExport(Signal::kLogs, sample)));
    for (const std::string& id : otlp::SampleIds(sample)) accepted.push_back(id);
  };
  send(1);
  GetParam().apply(topology.gate());
  topology.gate().Restore();
  for (std::uint32_t seed = 2; seed < 12; ++seed) send(seed);
  EXPECT_THAT(topology.Delivered(Signal::kLogs), IsSupersetOf(accepted));
  EXPECT_EQ(*topology.StopGateway(), Process::Exit{});
}

INSTANTIATE_TEST_SUITE_P(Every, LinkFault,
                         testing::Values(Fault{"Reset",
                                               [](support::TcpGate& gate) { gate.Reset(); }}),
                         [](const auto& info) { return std::string(info.param.what); });

}  // namespace
}  // namespace postern::integration
