// Backends that are slow, that refuse, or that are not there, beside one that is well.
#include <gmock/gmock.h>

#include <optional>

#include "lib/base/testing/matchers.h"
#include "tests/chaos/endpoint.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

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

}  // namespace
}  // namespace postern::chaos
