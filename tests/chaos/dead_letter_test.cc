// What nobody takes: people find it in the folder of the relay that rejected it, as it came.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/integration/client.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using integration::Client;
using integration::kGrpcOk;
using integration::kSoon;
using integration::Relay;
using integration::Topology;
using otlp::Signal;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRecords = "postern_dead_letter_records_total";

// What `kubectl-postern queue` prints of a relay's dead letters, running or not.
std::string Tool(const Relay& relay, const std::string& verb, std::vector<std::string> more = {}) {
  const support::TempDir folder;
  more.insert(more.begin(), {"queue", verb, relay.File("dead-letter")});
  auto process = support::Process::Start(
      POSTERN_CLI, {.arguments = std::move(more), .output = folder.File("out")});
  EXPECT_THAT(process, IsOk());
  EXPECT_THAT(process->WaitForExit(kSoon), IsOkAndHolds(support::Process::Exit{}));
  std::ifstream file(folder.File("out"), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Their bodies: each stands behind its length as a varint.
std::vector<std::string> Letters(const Relay& relay) {
  const std::string raw = Tool(relay, "export", {"--raw", "--signal", "logs"});
  std::vector<std::string> bodies;
  for (std::size_t at = 0; at < raw.size();) {
    std::size_t size = 0;
    for (int shift = 0; at < raw.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(raw[at++]);
      size |= static_cast<std::size_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) break;
    }
    bodies.push_back(raw.substr(at, size));
    at += size;
  }
  return bodies;
}

TEST(DeadLetters, HoldWhatIsLargerThanTheParentTakes) {
  Topology topology({.ack = "Durable", .server_relay = "  maxRecord: 64Ki\n"});
  ASSERT_THAT(topology.Start(), IsOk());
  const std::string large =
      otlp::MakeExport(Signal::kLogs, {.records = 1, .seed = 1, .filler_bytes = 200'000});
  const otlp::Sample small{.records = 1, .seed = 2};
  Client client(topology.otlp_port());
  EXPECT_EQ(client.ExportAtLast(Signal::kLogs, large).grpc_code, kGrpcOk);
  EXPECT_EQ(client.ExportAtLast(Signal::kLogs, otlp::MakeExport(Signal::kLogs, small)).grpc_code,
            kGrpcOk);
  EXPECT_EQ(topology.AwaitDelivered(otlp::SampleIds(small)), otlp::SampleIds(small));
  EXPECT_EQ(topology.gateway().Metric(kRecords), 1);
  EXPECT_THAT(Letters(topology.gateway()), ElementsAre(large));
  EXPECT_THAT(Tool(topology.gateway(), "inspect"), HasSubstr("1 record in 1 group"));
  ASSERT_THAT(topology.KillAndRestartGateway(), IsOk());
  EXPECT_THAT(Letters(topology.gateway()), ElementsAre(large)) << "over kill -9";
  EXPECT_THAT(Tool(topology.gateway(), "verify"), HasSubstr("damage      none"));
}

TEST(DeadLetters, HoldABodyThatTheFileBackendCannotPrint) {
  Topology topology({.ack = "Durable"});
  ASSERT_THAT(topology.Start(), IsOk());
  const std::string bad = "\xff no export";
  const otlp::Sample good{.records = 1, .seed = 2};
  Client client(topology.otlp_port());
  EXPECT_EQ(client.ExportAtLast(Signal::kLogs, bad).grpc_code, kGrpcOk);
  EXPECT_EQ(client.ExportAtLast(Signal::kLogs, otlp::MakeExport(Signal::kLogs, good)).grpc_code,
            kGrpcOk);
  EXPECT_EQ(topology.AwaitDelivered(otlp::SampleIds(good)), otlp::SampleIds(good));
  EXPECT_TRUE(support::Eventually([&] { return topology.server().Metric(kRecords) == 1; }, kSoon));
  EXPECT_THAT(Letters(topology.server()), ElementsAre(bad));
}

}  // namespace
}  // namespace postern::chaos
