// Every place where a death could lose or repeat a record: docs/link-protocol.md and
// docs/log-format.md say why it does not.
#include <gmock/gmock.h>

#include <csignal>

#include "lib/base/testing/matchers.h"
#include "tests/chaos/load.h"
#include "tests/integration/topology.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using integration::kSoon;
using integration::Lost;
using integration::Relay;
using integration::Repeated;
using integration::Topology;
using support::Process;
using testing::IsEmpty;

enum class Who : std::uint8_t { kGateway, kServer };

struct Death {
  const char* when;
  Who who;
  const char* point;         // and the how manieth time
  bool late_link = false;    // the gateway keeps a backlog before it is let through
  bool small_queue = false;  // so that segments are filled, and go
};

void PrintTo(const Death& death, std::ostream* out) { *out << death.when; }

constexpr Death kDeaths[] = {
    {"GatewayBeforeItsSync", Who::kGateway, "log.before-sync:30"},
    {"GatewayBetweenSyncAndAnswer", Who::kGateway, "store.sync-answer:30"},
    {"GatewayBetweenWelcomeAndFirstData", Who::kGateway, "child.welcome-data:1", true},
    {"GatewayBetweenAckAndCursor", Who::kGateway, "child.ack-cursor:20"},
    {"GatewayBetweenCheckpointAndUnlink", Who::kGateway, "log.checkpoint-unlink:1", false, true},
    {"GatewayBetweenTwoUnlinks", Who::kGateway, "log.checkpoint-unlink:2", false, true},
    {"ServerBeforeItsSync", Who::kServer, "log.before-sync:30"},
    {"ServerBetweenSyncAndEverybodyElse", Who::kServer, "store.sync-answer:30"},
    {"ServerBetweenWelcomeAndFirstData", Who::kServer, "parent.welcome-data:1", true},
    {"ServerBetweenAppendAndAck", Who::kServer, "parent.append-ack:50"},
    {"ServerBetweenABackendsAnswerAndTheCursor", Who::kServer, "backend.answer-cursor:20"},
    {"ServerBetweenTheStateOfItsFileAndTheLines", Who::kServer, "file.state-append:20"},
    {"ServerBetweenTheLinesOfItsFileAndTheAnswer", Who::kServer, "file.append-answer:20"},
    {"ServerBetweenCheckpointAndUnlink", Who::kServer, "log.checkpoint-unlink:1", false, true},
};

constexpr const char* kSmallQueue = "  maxRecord: 1Mi\n";

Topology::Options OptionsFor(const Death& death) {
  Topology::Options options{.ack = "Durable"};
  if (!death.small_queue) return options;
  options.ack = "Durable, maxBytes: 4Mi";
  options.gateway_relay = kSmallQueue;
  options.server_relay = std::string(kSmallQueue) + "  queue: {maxBytes: 4Mi}\n";
  return options;
}

class KillPoint : public testing::TestWithParam<Death> {
 protected:
  void SetUp() override {
#ifndef POSTERN_KILLPOINTS
    GTEST_SKIP() << "*** SKIPPED: no kill points in this build: -DPOSTERN_KILLPOINTS=ON";
#endif
  }

  // Starts both, with one of them about to die.
  void Start() {
    victim().DieAt(GetParam().point);
    ASSERT_THAT(topology_.StartServer(), IsOk());
    if (GetParam().late_link) topology_.gate().Refuse();
    ASSERT_THAT(topology_.StartGateway(), IsOk());
  }
  // Waits for it.
  void ExpectDeathAtThePoint() {
    const std::string_view point = GetParam().point;
    EXPECT_THAT(victim().process().WaitForExit(kSoon),
                IsOkAndHolds(Process::Exit{.code = 0, .signal = SIGKILL}));
    EXPECT_THAT(victim().Log(),
                testing::HasSubstr("kill point " + std::string(point.substr(0, point.find(':'))) +
                                   " reached"));
  }
  base::Status Restart() {
    return of_gateway() ? topology_.RestartGateway() : topology_.RestartServer();
  }
  bool of_gateway() const { return GetParam().who == Who::kGateway; }
  Relay& victim() { return of_gateway() ? topology_.gateway() : topology_.server(); }

  Topology topology_{OptionsFor(GetParam())};
};

TEST_P(KillPoint, LosesNothingAndRepeatsNothing) {
  ASSERT_NO_FATAL_FAILURE(Start());
  Load load(topology_.otlp_port(),
            {.filler_bytes = GetParam().small_queue ? std::size_t{4'000} : 0});
  if (GetParam().late_link) {
    ASSERT_TRUE(load.AwaitMore(20));
    topology_.gate().Restore();
  }
  ASSERT_NO_FATAL_FAILURE(ExpectDeathAtThePoint());
  ASSERT_THAT(Restart(), IsOk());
  ASSERT_TRUE(load.AwaitMore(20)) << "all is well again";
  const std::vector<std::string> accepted = load.Stop();
  const std::vector<std::string> delivered = topology_.AwaitDelivered(accepted);
  EXPECT_THAT(Lost(accepted, delivered), IsEmpty());

  // Between two relays nothing is repeated: the parent's mark stands in its log. Nor is anything in
  // the file: what stands in it is known from its state. (Of a remote backend: backend_test.cc.)
  EXPECT_THAT(Repeated(delivered), IsEmpty());
  EXPECT_EQ(topology_.server().Metric("postern_relay_redelivered_records_total"), 0);
}

INSTANTIATE_TEST_SUITE_P(Of, KillPoint, testing::ValuesIn(kDeaths),
                         [](const auto& death) { return std::string(death.param.when); });

}  // namespace
}  // namespace postern::chaos
