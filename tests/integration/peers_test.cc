// Every suite's name holds "Peers": CMakeLists.txt runs those only after their programs were built.
#include <gmock/gmock.h>

#include <array>
#include <concepts>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/integration/client.h"
#include "tests/integration/peers.h"
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
using testing::Not;

constexpr std::array kSignals = {Signal::kLogs, Signal::kMetrics, Signal::kTraces};

std::string OtlpBackend(const Collector& collector) {
  return "  - {name: collector, otlp: {endpoint: \"http://127.0.0.1:" +
         std::to_string(collector.port()) + "\"}}\n";
}

// Both relays, and the link between them.
void StartLinked(Topology& topology) {
  ASSERT_THAT(topology.Start(), IsOk());
  ASSERT_TRUE(topology.Linked());
}

class Peers : public testing::Test {
 protected:
  void SetUp() override { SkipWithoutPeers(); }
};

template <typename OfTable>
class PeersTable : public testing::TestWithParam<OfTable> {
 protected:
  void SetUp() override { SkipWithoutPeers(); }
};

// What the tables' rows have in common.
struct Row {
  const char* name;
};
template <std::derived_from<Row> OfTable>
void PrintTo(const OfTable& row, std::ostream* out) {
  *out << row.name;
}

constexpr auto kNameOfRow = [](const auto& row) { return std::string(row.param.name); };

// === the SDK in front, a Collector behind ===

struct SdkRow : Row {
  bool gzip;
};
class PeersBehind : public PeersTable<SdkRow> {};

TEST_P(PeersBehind, CollectorGetsEveryRecordOfTheSdkOnce) {
  Collector collector({});
  ASSERT_THAT(collector.Start(), IsOk());
  Topology topology({.backends = OtlpBackend(collector)});
  ASSERT_NO_FATAL_FAILURE(StartLinked(topology));
  Sdk sdk({.logs = 700, .metrics = 300, .spans = 500, .batch = 100, .gzip = GetParam().gzip});
  ASSERT_THAT(sdk.Start(topology.otlp_port()), IsOk());
  EXPECT_EQ(sdk.Wait(), 0) << sdk.Report();
  EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
  EXPECT_THAT(topology.server().Terminate(), IsOkAndHolds(Process::Exit{}));
  EXPECT_THAT(collector.Stop(), IsOkAndHolds(Process::Exit{}));
  for (const Signal signal : kSignals) EXPECT_EQ(Amiss(sdk.Ids(signal), collector.Ids(signal)), "");
}

INSTANTIATE_TEST_SUITE_P(Sdk, PeersBehind,
                         testing::Values(SdkRow{{"Plain"}, false}, SdkRow{{"Gzip"}, true}),
                         kNameOfRow);

// === a Collector in front, files behind ===

struct CompressionRow : Row {
  const char* compression;
};
class PeersInFront : public PeersTable<CompressionRow> {};

TEST_P(PeersInFront, CollectorsExportsEndInTheFilesOnce) {
  Topology topology({});
  ASSERT_NO_FATAL_FAILURE(StartLinked(topology));
  Collector collector({.next = topology.otlp_port(), .compression = GetParam().compression});
  ASSERT_THAT(collector.Start(), IsOk());
  Sdk sdk({.logs = 700, .metrics = 300, .spans = 500, .batch = 100});
  ASSERT_THAT(sdk.Start(collector.port()), IsOk());
  EXPECT_EQ(sdk.Wait(), 0) << sdk.Report();
  for (const Signal signal : kSignals) {
    EXPECT_EQ(Amiss(sdk.Ids(signal), topology.Delivered(signal)), "");
  }
  EXPECT_THAT(collector.Stop(), IsOkAndHolds(Process::Exit{}));
  EXPECT_THAT(topology.gateway().Terminate(), IsOkAndHolds(Process::Exit{}));
}

INSTANTIATE_TEST_SUITE_P(Collector, PeersInFront,
                         testing::Values(CompressionRow{{"None"}, "none"},
                                         CompressionRow{{"Gzip"}, "gzip"}),
                         kNameOfRow);

class PeersUnserved : public PeersTable<CompressionRow> {};

// The Collector's receiver hands on to its client what its exporter heard.
TEST_P(PeersUnserved, CompressionIsRefusedWithWhatToSendInstead) {
  Topology topology({});
  ASSERT_NO_FATAL_FAILURE(StartLinked(topology));
  Collector collector({.next = topology.otlp_port(), .compression = GetParam().compression});
  ASSERT_THAT(collector.Start(), IsOk());
  Sdk sdk({.logs = 5});
  ASSERT_THAT(sdk.Start(collector.port()), IsOk());
  EXPECT_EQ(sdk.Wait(), 1);
  EXPECT_THAT(sdk.Report(), HasSubstr("is not served; send gzip or identity"));
  EXPECT_THAT(topology.Delivered(Signal::kLogs), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Collector, PeersUnserved,
                         testing::Values(CompressionRow{{"Zstd"}, "zstd"},
                                         CompressionRow{{"Snappy"}, "snappy"}),
                         kNameOfRow);

// === what is down ===

TEST_F(Peers, SdkIsToldThatTheBackendIsDown) {
  Collector collector({});
  ASSERT_THAT(collector.Start(), IsOk());
  Topology topology({.backends = OtlpBackend(collector)});
  ASSERT_NO_FATAL_FAILURE(StartLinked(topology));
  collector.process().Kill();
  Sdk sdk({.logs = 5, .timeout = "2s"});  // the SDK's first repeat is 2.5 s away
  ASSERT_THAT(sdk.Start(topology.otlp_port()), IsOk());
  EXPECT_EQ(sdk.Wait(), 1);
  EXPECT_THAT(topology.server().process().WaitForLine("backend refused a record", kSoon), IsOk());
  // It had its answer, and did not wait for one until its time was over.
  EXPECT_THAT(sdk.Report(), Not(HasSubstr("code = DeadlineExceeded")));
}

TEST_F(Peers, SdkRepeatsUntilTheBackendIsBack) {
  Collector collector({});
  ASSERT_THAT(collector.Start(), IsOk());
  Topology topology({.backends = OtlpBackend(collector)});
  ASSERT_NO_FATAL_FAILURE(StartLinked(topology));
  collector.process().Kill();
  Sdk sdk({.logs = 20, .metrics = 10, .spans = 15});
  ASSERT_THAT(sdk.Start(topology.otlp_port()), IsOk());
  ASSERT_THAT(topology.server().process().WaitForLine("backend refused a record", kSoon), IsOk());
  ASSERT_THAT(collector.Start(), IsOk());
  EXPECT_EQ(sdk.Wait(), 0) << sdk.Report();
  EXPECT_THAT(collector.Stop(), IsOkAndHolds(Process::Exit{}));
  for (const Signal signal : kSignals) EXPECT_EQ(Amiss(sdk.Ids(signal), collector.Ids(signal)), "");
}

struct RestartRow : Row {
  void (*stop)(Topology&);
  // What was delivered though its answer died with the gateway is a new export when it comes again.
  bool may_repeat;
};
class PeersRestart : public PeersTable<RestartRow> {};

TEST_P(PeersRestart, QueueOfACollectorOutlastsTheGateway) {
  Topology topology({});
  ASSERT_NO_FATAL_FAILURE(StartLinked(topology));
  // So that the gateway ends in the middle, with exports that wait for their answers.
  topology.gate().Delay(support::Direction::kToClient, std::chrono::milliseconds(800));
  Collector collector({.next = topology.otlp_port(), .compression = "gzip", .queue = true});
  ASSERT_THAT(collector.Start(), IsOk());
  Sdk sdk({.logs = 3000, .metrics = 10, .spans = 2000, .batch = 10});
  ASSERT_THAT(sdk.Start(collector.port()), IsOk());
  ASSERT_TRUE(Eventually([&] { return !topology.Delivered(Signal::kLogs).empty(); }, 2 * kSoon));
  ASSERT_NO_FATAL_FAILURE(GetParam().stop(topology));
  ASSERT_THAT(Lost(sdk.Ids(Signal::kLogs), topology.Delivered(Signal::kLogs)), Not(IsEmpty()));
  ASSERT_THAT(collector.process().WaitForLine("Will retry", kSoon), IsOk());
  topology.gate().Restore();
  ASSERT_THAT(topology.RestartGateway(), IsOk());
  EXPECT_EQ(sdk.Wait(), 0) << sdk.Report();
  for (const Signal signal : kSignals) {
    const auto lost = [&] { return Lost(sdk.Ids(signal), topology.Delivered(signal)); };
    EXPECT_TRUE(Eventually([&] { return lost().empty(); }, 2 * kSoon))
        << testing::PrintToString(lost());
    if (GetParam().may_repeat) continue;
    EXPECT_EQ(Amiss(sdk.Ids(signal), topology.Delivered(signal)), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Gateway, PeersRestart,
                         testing::Values(RestartRow{{"Drained"},
                                                    [](Topology& topology) {
                                                      ASSERT_THAT(topology.gateway().Terminate(),
                                                                  IsOkAndHolds(Process::Exit{}));
                                                    },
                                                    false},
                                         RestartRow{{"Killed"},
                                                    [](Topology& topology) {
                                                      topology.gateway().process().Kill();
                                                    },
                                                    true}),
                         kNameOfRow);

// === OTLP/JSON ===

// The Collector got each export twice: from the OTLP backend, and as the line that the file backend
// wrote of it. It cannot tell one from the other, to the byte.
TEST_F(Peers, CollectorReadsALineOfTheFileBackendAsTheExportItself) {
  Collector collector({});
  ASSERT_THAT(collector.Start(), IsOk());
  Topology topology(
      {.backends = "  - {name: local, file: {path: delivered}}\n" + OtlpBackend(collector)});
  ASSERT_NO_FATAL_FAILURE(StartLinked(topology));
  Sdk sdk({.logs = 20, .metrics = 10, .spans = 15});
  ASSERT_THAT(sdk.Start(topology.otlp_port()), IsOk());
  ASSERT_EQ(sdk.Wait(), 0) << sdk.Report();
  Client client(topology.otlp_port());
  for (const Signal signal : kSignals) {
    const rpc::UnaryResult answer =
        client.Export(signal, otlp::MakeExport(signal, {.records = 10, .seed = 7}));
    ASSERT_EQ(answer.grpc_code, 0) << answer.message;
    const std::vector<std::string> ours = ReadLines(topology.DeliveredFile(signal));
    ASSERT_EQ(ours.size(), 2U);
    for (const std::string& line : ours) ASSERT_THAT(collector.Post(signal, line), IsOk());
  }
  EXPECT_THAT(collector.Stop(), IsOkAndHolds(Process::Exit{}));
  for (const Signal signal : kSignals) {
    const std::vector<std::string> theirs = collector.Lines(signal);
    ASSERT_EQ(theirs.size(), 4U);
    EXPECT_EQ(theirs[0], theirs[2]);
    EXPECT_EQ(theirs[1], theirs[3]);
  }
}

}  // namespace
}  // namespace postern::integration
