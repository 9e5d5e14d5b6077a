// A thousand clients at once with six times of what the gateway may hold.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/integration/crowd.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::integration {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using otlp::Signal;
using support::Process;
using testing::IsEmpty;

constexpr std::uint32_t kClients = 1000;
constexpr std::size_t kBytes = 400'000;
constexpr std::uint64_t kMemory = std::uint64_t{64} << 20U;

// A thousand connections are more descriptors than many shells give; relays inherit the limit.
void AllowDescriptors(rlim_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= count) return;
  limit.rlim_cur = std::min(count, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_GE(limit.rlim_cur, count) << "raise the hard limit on open files";
}

// The ids of the clients' own records, which stand before the filler in each line.
std::vector<std::string> OwnIds(const std::string& path) {
  constexpr std::string_view kMark = "-00000000\"";
  std::vector<std::string> ids;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(kMark);
    ids.push_back(at == std::string::npos || at < 8 ? "" : line.substr(at - 8, 17));
  }
  return ids;
}

class CrowdAtTheDoor : public testing::TestWithParam<const char*> {};

TEST_P(CrowdAtTheDoor, IsServedToTheLastWithinTheMemoryOfTheGateway) {
  ASSERT_NO_FATAL_FAILURE(AllowDescriptors(4096));
  Topology topology({.ack = GetParam(), .gateway_relay = "  memory: 64Mi\n"});
  topology.gateway().KeepNoFreedMemory();
  ASSERT_THAT(topology.Start(), IsOk());
  ASSERT_TRUE(topology.Linked());

  Crowd crowd(topology.otlp_port(),
              {.clients = kClients,
               .filler = otlp::MakeExport(Signal::kLogs, {.seed = 0, .filler_bytes = kBytes})});
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto before, topology.gateway().process().ReadUsage());
  std::uint64_t peak = before.rss_anon;
  const auto watch = [&] {
    peak = std::max(peak, topology.gateway().process().ReadUsage()->rss_anon);
  };
  EXPECT_TRUE(crowd.Run(std::chrono::seconds(90), watch)) << crowd.taken() << " were taken";
  EXPECT_THAT(crowd.faults(), IsEmpty());
  // Three times the budget: bodies, what the sanitizer adds to each block, and a thousand
  // connections with their sessions. Without the budget it would be 400 MB and more.
  EXPECT_LT(peak - before.rss_anon, 3 * kMemory);
  RecordProperty("growth_of_rss_anon", std::to_string(peak - before.rss_anon));
  RecordProperty("put_off", std::to_string(crowd.put_off()));

  EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
  std::vector<std::string> sent;
  for (std::uint32_t i = 1; i <= kClients; ++i) {
    sent.push_back(otlp::SampleIds({.records = 1, .seed = i}).front());
  }
  // With `ack: Durable` the management server keeps what its backend has not taken yet.
  std::vector<std::string> delivered;
  EXPECT_TRUE(support::Eventually(
      [&] {
        delivered = OwnIds(topology.server().File("delivered/logs.jsonl"));
        return delivered.size() >= kClients;
      },
      3 * kSoon));
  EXPECT_EQ(delivered.size(), kClients);
  EXPECT_THAT(Lost(sent, delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(With, CrowdAtTheDoor, testing::Values("EndToEnd", "Durable"),
                         [](const auto& ack) { return std::string(ack.param); });

}  // namespace
}  // namespace postern::integration
