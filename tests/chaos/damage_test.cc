// Bytes of queues that somebody spoilt: flipped, zeroed or cut off, anywhere.
#include <gmock/gmock.h>

#include <random>

#include "lib/base/testing/matchers.h"
#include "tests/chaos/endpoint.h"
#include "tests/chaos/queue_folder.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using integration::kSoon;
using integration::Lost;
using integration::Relay;
using integration::Sender;
using integration::Topology;
using testing::IsEmpty;

constexpr int kRounds = 20;
constexpr rpc::FakeServer::Reply kNotNow{.code = 14, .retry_after = std::chrono::milliseconds(50)};

class Damage : public testing::Test {
 protected:
  std::vector<std::string> Send(int batches) {
    Sender sender(topology_.otlp_port(), {.after = sent_});
    for (int i = 0; i < batches; ++i) EXPECT_THAT(sender.Send(), IsOk());
    sent_ += static_cast<std::uint32_t>(batches);
    return sender.accepted();
  }
  static double AppendedBy(const Relay& relay) {
    return relay.Metric("postern_queue_appended_records_total").value_or(0);
  }
  static double DamagedOf(const Relay& relay) {
    return relay.Metric("postern_queue_damaged_ranges_total").value_or(0);
  }

  // Leaves both killed: the server with records that its backend did not take, the gateway with
  // others that the server never saw.
  void FillAndKillBoth() {
    remote_.AnswerWith(kNotNow);
    const double goal = AppendedBy(topology_.server()) + kBatches;
    at_server_ = Send(kBatches);
    ASSERT_TRUE(support::Eventually([&] { return AppendedBy(topology_.server()) >= goal; }, kSoon));
    topology_.gate().Refuse();
    topology_.gate().Reset();
    at_gateway_ = Send(kBatches);
    topology_.gateway().process().Kill();
    topology_.server().process().Kill();
  }
  void RestartBoth() {
    remote_.AnswerWith({});
    topology_.gate().Restore();
    ASSERT_THAT(topology_.RestartServer(), IsOk());
    ASSERT_THAT(topology_.RestartGateway(), IsOk());
  }
  // Everything of `ids` arrives that is not in a spoilt group; the rest, where it does not, is
  // told.
  void ExpectWhatWasWhole(const std::vector<std::string>& ids, const Spoilt& spoilt,
                          const Relay& relay) {
    const std::vector<std::string> whole = Lost(ids, spoilt.ids);
    EXPECT_TRUE(remote_.Awaits(whole)) << testing::PrintToString(Lost(whole, remote_.all()));
    if (spoilt.whole_group_follows && !Lost(ids, remote_.all()).empty()) {
      EXPECT_GE(DamagedOf(relay), 1);
    }
  }

  static constexpr int kBatches = 4;
  Endpoint remote_;
  Topology topology_{{.ack = "Durable", .backends = remote_.AsBackend()}};
  std::vector<std::string> at_server_;
  std::vector<std::string> at_gateway_;
  std::uint32_t sent_ = 0;
};

TEST_F(Damage, AnywhereLeavesARelayThatOpensAndPassesOnWhatIsWhole) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  std::cout << "seed " << seed << "\n";
  ASSERT_THAT(topology_.Start(), IsOk());
  for (int round = 1; round <= kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(FillAndKillBoth());
    const Spoilt gateway = QueueFolder(topology_.gateway().File("queue")).Spoil(random);
    const Spoilt server = QueueFolder(topology_.server().File("queue")).Spoil(random);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round) +
                 ", gateway " + gateway.what + ", server " + server.what);
    ASSERT_NO_FATAL_FAILURE(RestartBoth()) << "it always opens";
    EXPECT_TRUE(remote_.Awaits(Send(1))) << "new records arrive; the gateway said:\n"
                                         << topology_.gateway().Log() << "the server:\n"
                                         << topology_.server().Log();
    ExpectWhatWasWhole(at_gateway_, gateway, topology_.gateway());
    ExpectWhatWasWhole(at_server_, server, topology_.server());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace postern::chaos
