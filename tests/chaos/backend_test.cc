// Backends that are slow, that refuse, or that are not there, beside one that is well.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <regex>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/chaos/endpoint.h"
#include "tests/chaos/faketime.h"
#include "tests/chaos/load.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using integration::kSoon;
using integration::Lost;
using integration::Repeated;
using integration::Sender;
using integration::Topology;
using otlp::Signal;
using rpc::FakeServer;
using std::chrono::milliseconds;
using support::Eventually;
using testing::IsEmpty;

Topology::Options WithBackend(const Endpoint& remote) {
  return {.ack = "Durable",
          .backends = "  - {name: local, file: {path: delivered}}\n" + remote.AsBackend()};
}

void SendAll(Sender& sender, int batches) {
  for (int i = 0; i < batches; ++i) ASSERT_THAT(sender.Send(), IsOk());
}

constexpr int kBatches = 10;

struct Ailment {
  const char* what;
  FakeServer::Reply reply;
};

void PrintTo(const Ailment& ailment, std::ostream* out) { *out << ailment.what; }

class AilingBackend : public testing::TestWithParam<Ailment> {};

TEST_P(AilingBackend, HoldsNobodyUpAndGetsEverythingInTheEnd) {
  Endpoint remote;
  remote.AnswerWith(GetParam().reply);
  Topology topology(WithBackend(remote));
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  ASSERT_NO_FATAL_FAILURE(SendAll(sender, kBatches));
  EXPECT_THAT(Lost(sender.accepted(), topology.AwaitDelivered(sender.accepted())), IsEmpty());
  EXPECT_TRUE(Eventually([&] { return remote.requests() >= 1; }, kSoon));
  EXPECT_FALSE(Lost(sender.accepted(), remote.all()).empty()) << "it has not got all of it yet";

  remote.AnswerWith({});
  EXPECT_TRUE(remote.Awaits(sender.accepted())) << "healed";
  EXPECT_THAT(Repeated(remote.all()), IsEmpty());
  EXPECT_THAT(Repeated(topology.Delivered(Signal::kLogs)), IsEmpty());
  EXPECT_EQ(topology.server().Metric("postern_relay_rejected_records_total"), 0);
}

INSTANTIATE_TEST_SUITE_P(That, AilingBackend,
                         testing::Values(Ailment{"IsSlow", {.delay = milliseconds(500)}},
                                         Ailment{"AnswersUnauthenticated",
                                                 {.code = 16, .message = "token expired"}},
                                         Ailment{"AnswersPermissionDenied", {.code = 7}},
                                         Ailment{"AnswersNotFound", {.code = 5}},
                                         Ailment{"AnswersUnimplemented", {.code = 12}},
                                         Ailment{"AnswersResourceExhausted",
                                                 {.code = 8, .retry_after = milliseconds(200)}},
                                         Ailment{"AnswersUnavailable", {.code = 14}},
                                         Ailment{"AnswersInternal", {.code = 13}}),
                         [](const auto& ailment) { return std::string(ailment.param.what); });

TEST(Backends, ThatIsDeadHoldsNobodyUpAndGetsEverythingInTheEnd) {
  std::optional<Endpoint> remote(std::in_place);
  const std::uint16_t port = remote->port();
  Topology topology(WithBackend(*remote));
  remote.reset();
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  ASSERT_NO_FATAL_FAILURE(SendAll(sender, kBatches));
  EXPECT_THAT(Lost(sender.accepted(), topology.AwaitDelivered(sender.accepted())), IsEmpty());
  ASSERT_THAT(topology.KillAndRestartServer(), IsOk()) << "and what waits outlives it";
  remote.emplace(port);
  EXPECT_TRUE(remote->Awaits(sender.accepted()));
  EXPECT_THAT(Repeated(remote->all()), IsEmpty());
}

TEST(Backends, ThatFaultsABodyRejectsItAloneAndCounted) {
  Endpoint remote;
  remote.AnswerWith({.code = 3, .message = "no export"});
  Topology topology(WithBackend(remote));
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  ASSERT_NO_FATAL_FAILURE(SendAll(sender, kBatches));
  const auto rejected = [&topology] {
    return topology.server().Metric("postern_relay_rejected_records_total").value_or(0);
  };
  EXPECT_TRUE(Eventually([&] { return rejected() == kBatches; }, kSoon)) << rejected();
  EXPECT_THAT(Lost(sender.accepted(), topology.AwaitDelivered(sender.accepted())), IsEmpty());

  remote.AnswerWith({});
  Sender later(topology.otlp_port(), {.after = 1'000});
  ASSERT_NO_FATAL_FAILURE(SendAll(later, kBatches));
  EXPECT_TRUE(remote.Awaits(later.accepted()));
  EXPECT_THAT(Lost(sender.accepted(), remote.all()), testing::SizeIs(sender.accepted().size()));
  EXPECT_EQ(rejected(), kBatches);
}

// A relay that dies with a request out, whose answer it never hears.
TEST(Backends, GetsAgainWithAMarkWhatWasInFlightAtAKill) {
  Endpoint remote;
  remote.AnswerWith({.delay = milliseconds(300)});
  Topology topology(WithBackend(remote));
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  for (int kill = 1; kill <= 3; ++kill) {
    ASSERT_NO_FATAL_FAILURE(SendAll(sender, kBatches));
    const int before = remote.requests();
    ASSERT_TRUE(Eventually([&] { return remote.requests() > before; }, kSoon));
    ASSERT_THAT(topology.KillAndRestartServer(), IsOk());
  }
  ASSERT_NO_FATAL_FAILURE(SendAll(sender, 1));
  EXPECT_TRUE(remote.Awaits(sender.accepted()));
  EXPECT_FALSE(Repeated(remote.all()).empty()) << "three requests were out";
  EXPECT_THAT(Repeated(remote.unmarked()), IsEmpty()) << "without a mark nothing comes twice";
}

// What kubectl-postern says of a queue's ledger.
std::string LedgerOf(const std::string& queue) {
  const support::TempDir folder;
  auto process = support::Process::Start(
      POSTERN_CLI, {.arguments = {"queue", "ledger", queue}, .output = folder.File("out")});
  EXPECT_THAT(process, IsOk());
  EXPECT_THAT(process->WaitForExit(kSoon), IsOkAndHolds(support::Process::Exit{}));
  std::ifstream file(folder.File("out"));
  return {std::istreambuf_iterator<char>(file), {}};
}

// How many records of it were evicted from whom: every other line fails the test.
int EvictedFrom(const std::string& reader, const std::string& ledger) {
  const std::regex evicted(R"(evicted +(\S+) +(\d+))");
  int records = 0;
  for (std::sregex_iterator at(ledger.begin(), ledger.end(), evicted), end; at != end; ++at) {
    EXPECT_EQ((*at)[1], reader) << ledger;
    records += std::stoi((*at)[2]);
  }
  return records;
}

TEST(Backends, ThatIsDeadAndMayBeDroppedCostsTheOthersNothingAndEachLossHasAName) {
  std::optional<Endpoint> remote(std::in_place);
  const std::uint16_t port = remote->port();
  const std::string drops = remote->AsBackend("whenBehind: Drop, maxBehind: 1Mi, ");
  remote.reset();
  constexpr double kQueue = 4 << 20;
  Topology topology({.ack = "Durable",
                     .server_relay = "  maxRecord: 256Ki\n  queue: {maxBytes: 4Mi}\n",
                     .backends = "  - {name: local, file: {path: delivered}}\n" + drops});
  ASSERT_THAT(topology.Start(), IsOk());
  Load load(topology.otlp_port(), {.filler_bytes = 4'000});
  const auto evicted = [&topology] {
    return topology.server().Metric("postern_queue_evicted_records_total").value_or(0);
  };
  // Three times what the log may hold.
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(load.AwaitMore(10));
    EXPECT_LE(topology.server().Metric("postern_queue_bytes").value_or(0), kQueue);
  }
  const std::vector<std::string> accepted = load.Stop();
  const std::vector<std::string> delivered = topology.AwaitDelivered(accepted);
  EXPECT_THAT(Lost(accepted, delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty());
  EXPECT_GT(evicted(), 0);

  remote.emplace(port);
  Sender later(topology.otlp_port(), {.after = 9'000'000});
  ASSERT_NO_FATAL_FAILURE(SendAll(later, kBatches));
  ASSERT_TRUE(Eventually([&] { return Lost(later.accepted(), remote->all()).empty(); }, 8 * kSoon))
      << "it is retried after a minute at most";
  const std::size_t lost = Lost(accepted, remote->all()).size();
  EXPECT_THAT(Repeated(remote->all()), IsEmpty());
  EXPECT_EQ(lost, static_cast<std::size_t>(evicted()) * Sender::kRecords);
  EXPECT_THAT(topology.server().Terminate(), IsOk());
  const std::string ledger = LedgerOf(topology.server().File("queue"));
  EXPECT_EQ(EvictedFrom("remote/logs", ledger) * Sender::kRecords, lost) << ledger;
}

// Sixteen failures take eight minutes and a parked record is tried each minute: the server's clocks
// go faster.
TEST(Backends, ThatRefusesOneRecordGetsAllOthersAndThatOneOnceItRelents) {
  if (FindFaketime() == nullptr) {
    GTEST_SKIP() << "*** SKIPPED: no faketime here: apt-get install faketime";
  }
  Endpoint remote;
  Topology topology(WithBackend(remote));
  topology.server().SetVariable("LD_PRELOAD", FindFaketime());
  topology.server().SetVariable("FAKETIME", "+0 x30");
  topology.server().SetVariable("ASAN_OPTIONS", "verify_asan_link_order=0");
  ASSERT_THAT(topology.Start(), IsOk());
  Sender sender(topology.otlp_port());
  ASSERT_NO_FATAL_FAILURE(SendAll(sender, 1));
  Sender poison(topology.otlp_port(), {.after = 1'000});
  remote.Refuse(otlp::SampleIds({.records = Sender::kRecords, .seed = 1'001}).front());
  ASSERT_NO_FATAL_FAILURE(SendAll(poison, 1));
  ASSERT_NO_FATAL_FAILURE(SendAll(sender, kBatches));
  ASSERT_TRUE(Eventually([&] { return Lost(sender.accepted(), remote.all()).empty(); }, 6 * kSoon));
  EXPECT_THAT(Lost(poison.accepted(), remote.all()), testing::SizeIs(poison.accepted().size()));
  const std::string reordered = "postern_relay_reordered_records_total";
  EXPECT_EQ(topology.server().Metric(reordered), 0);
  remote.Refuse("");
  EXPECT_TRUE(remote.Awaits(poison.accepted()));
  EXPECT_TRUE(Eventually([&] { return topology.server().Metric(reordered) == 1; }, kSoon));
  EXPECT_THAT(Repeated(remote.all()), IsEmpty());
}

}  // namespace
}  // namespace postern::chaos
