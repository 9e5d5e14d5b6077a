// What a client was told, against what a kill -9 of whoever told it left: `ack: Parent` and
// `Memory`.
#include <gmock/gmock.h>

#include <optional>
#include <random>

#include "lib/base/testing/matchers.h"
#include "tests/chaos/load.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using integration::Lost;
using integration::Sender;
using integration::Topology;
using testing::IsEmpty;

// The parent answers for what it synced, and dies at random points of that.
TEST(AckParent, LosesNothingThatTheParentAnsweredForBeforeItDied) {
  Topology topology({.ack = "Parent"});
  ASSERT_THAT(topology.Start(), IsOk());
  ASSERT_TRUE(topology.Linked());
  std::mt19937 random(std::random_device{}());
  Load load(topology.otlp_port());
  for (int death = 0; death < 5; ++death) {
    const int batches = 1 + static_cast<int>(random() % 25);
    SCOPED_TRACE("death " + std::to_string(death) + " after " + std::to_string(batches));
    ASSERT_TRUE(load.AwaitMore(batches));
    ASSERT_THAT(topology.KillAndRestartServer(), IsOk());
  }
  ASSERT_TRUE(load.AwaitMore(20)) << "all is well again";
  const std::vector<std::string> accepted = load.Stop();
  EXPECT_THAT(Lost(accepted, topology.AwaitDelivered(accepted)), IsEmpty());
  EXPECT_EQ(topology.gateway().Metric("postern_queue_appended_records_total"), 0)
      << "nothing is stored on the way";
}

// Answered before it is written: what the log has counted as synced is there whatever happens.
TEST(AckMemory, LosesNothingThatWasWrittenBeforeTheKill) {
  Topology topology({.ack = "Memory"});
  ASSERT_THAT(topology.StartServer(), IsOk());
  std::vector<std::string> kept_ids;
  topology.gate().Refuse();
  ASSERT_THAT(topology.StartGateway(), IsOk());
  for (int death = 0; death < 3; ++death) {
    Sender sender(topology.otlp_port(), {.after = 1000U * static_cast<unsigned>(death)});
    for (int batch = 0; batch < 20; ++batch) ASSERT_THAT(sender.Send(), IsOk());
    std::optional<double> written;
    ASSERT_TRUE(support::Eventually(
        [&] {
          written = topology.gateway().Metric("postern_queue_appended_records_total");
          return written.value_or(0) >= 10;
        },
        integration::kSoon));
    ASSERT_THAT(topology.KillAndRestartGateway(), IsOk());
    // One client's, so in the order in which they were taken.
    const std::size_t kept = static_cast<std::size_t>(*written) * Sender::kRecords;
    ASSERT_LE(kept, sender.accepted().size());
    kept_ids.insert(kept_ids.end(), sender.accepted().begin(),
                    sender.accepted().begin() + static_cast<std::ptrdiff_t>(kept));
  }
  topology.gate().Restore();
  EXPECT_THAT(Lost(kept_ids, topology.AwaitDelivered(kept_ids)), IsEmpty());
  EXPECT_GT(kept_ids.size(), 0U);
}

}  // namespace
}  // namespace postern::chaos
