// A queue without room: by its own bound, and by the disk's.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/integration/client.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using integration::Client;
using integration::kGrpcOk;
using integration::kGrpcResourceExhausted;
using integration::kGrpcUnavailable;
using integration::kSoon;
using integration::Lost;
using integration::Repeated;
using integration::Topology;
using otlp::Sample;
using otlp::Signal;
using support::Eventually;
using support::Process;
using testing::AnyOf;
using testing::IsEmpty;

class DiskFull : public testing::Test {
 protected:
  // A gateway that cannot pass anything on.
  void StartCutOff() {
    ASSERT_THAT(topology_.StartServer(), IsOk());
    topology_.gate().Refuse();
    ASSERT_THAT(topology_.StartGateway(), IsOk());
    client_.emplace(topology_.otlp_port());
  }
  rpc::UnaryResult SendOne() {
    const Sample sample{.records = 1, .seed = ++seed_, .filler_bytes = 100'000};
    rpc::UnaryResult result = client_->Export(Signal::kLogs, MakeExport(Signal::kLogs, sample));
    if (result.grpc_code != kGrpcOk) return result;
    for (std::string& id : SampleIds(sample)) accepted_.push_back(std::move(id));
    return result;
  }
  // Sends until it is refused; returns that answer.
  rpc::UnaryResult SendUntilRefused() {
    rpc::UnaryResult result;
    for (int i = 0; i < kMost && result.grpc_code == kGrpcOk; ++i) result = SendOne();
    return result;
  }
  // Sends until one is taken.
  bool TakesAgain() {
    return Eventually([this] { return SendOne().grpc_code == kGrpcOk; }, kSoon);
  }
  void ExpectEverythingOnce() {
    const std::vector<std::string> delivered = topology_.AwaitDelivered(accepted_);
    EXPECT_THAT(Lost(accepted_, delivered), IsEmpty());
    EXPECT_THAT(Repeated(delivered), IsEmpty());
  }

  static constexpr int kMost = 200;
  Topology topology_{{.ack = "Durable, maxBytes: 4Mi", .gateway_relay = "  maxRecord: 1Mi\n"}};
  std::optional<Client> client_;
  std::uint32_t seed_ = 0;
  std::vector<std::string> accepted_;
};

TEST_F(DiskFull, ByMaxBytesIsToldWithATimeToComeAgainAndPassesOnceThereIsRoom) {
  ASSERT_NO_FATAL_FAILURE(StartCutOff());
  const rpc::UnaryResult refused = SendUntilRefused();
  EXPECT_EQ(refused.grpc_code, kGrpcResourceExhausted) << refused.message;
  EXPECT_TRUE(refused.retry_after) << "without it OTLP clients drop the data";
  EXPECT_GE(accepted_.size(), 20U) << "what fits was taken";

  topology_.gate().Restore();
  EXPECT_TRUE(TakesAgain());
  ASSERT_NO_FATAL_FAILURE(ExpectEverythingOnce());
}

// A disk of 7 MiB for the gateway's queue alone, in a namespace where it may mount one.
class SmallDisk : public DiskFull {
 protected:
  void SetUp() override {
    base::Result<Process> probe =
        Process::Start("unshare", {.arguments = {"--user", "--map-root-user", "--mount", "true"}});
    if (probe && probe->WaitForExit(kSoon) == Process::Exit{}) return;
    GTEST_SKIP() << "*** SKIPPED: no user namespaces here, so no small disk to fill";
  }
  void StartOnASmallDisk() {
    const std::string queue = topology_.gateway().File("queue");
    topology_.gateway().StartUnder(
        {"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
         "mkdir -p " + queue + " && mount -t tmpfs -o size=7m tmpfs " + queue + " && exec \"$@\"",
         "sh"});
    ASSERT_NO_FATAL_FAILURE(StartCutOff());
  }
  // A file beside the queue's, as the gateway sees it.
  std::string Ballast() {
    const std::string root = "/proc/" + std::to_string(topology_.gateway().process().pid());
    return root + "/root" + topology_.gateway().File("queue/ballast");
  }
  void Fill(std::size_t bytes) {
    std::ofstream file(Ballast(), std::ios::binary);
    file << std::string(bytes, 'x');
    ASSERT_TRUE(file.flush().good());
  }
};

TEST_F(SmallDisk, FullByOthersIsToldWithATimeToComeAgainAndLosesNothing) {
  ASSERT_NO_FATAL_FAILURE(StartOnASmallDisk());
  ASSERT_NO_FATAL_FAILURE(Fill(std::size_t{3} << 20));
  const rpc::UnaryResult refused = SendUntilRefused();
  EXPECT_THAT(refused.grpc_code, AnyOf(kGrpcResourceExhausted, kGrpcUnavailable))
      << refused.message;
  EXPECT_TRUE(refused.retry_after) << "without it OTLP clients may drop the data";
  EXPECT_FALSE(accepted_.empty());
  const rpc::UnaryResult again = SendOne();
  EXPECT_THAT(again.grpc_code, AnyOf(kGrpcResourceExhausted, kGrpcUnavailable)) << again.message;
  EXPECT_TRUE(again.retry_after) << again.message;

  std::filesystem::remove(Ballast());
  EXPECT_TRUE(TakesAgain()) << "there is room again";
  topology_.gate().Restore();
  ASSERT_NO_FATAL_FAILURE(ExpectEverythingOnce());
}

TEST_F(SmallDisk, FullPassesOnWhatItHoldsAndMakesItsOwnRoom) {
  ASSERT_NO_FATAL_FAILURE(StartOnASmallDisk());
  ASSERT_NO_FATAL_FAILURE(Fill(std::size_t{3} << 20));
  EXPECT_NE(SendUntilRefused().grpc_code, kGrpcOk);
  topology_.gate().Restore();
  ASSERT_NO_FATAL_FAILURE(ExpectEverythingOnce());
  EXPECT_TRUE(TakesAgain()) << "what was passed on makes room";
  ASSERT_NO_FATAL_FAILURE(ExpectEverythingOnce());
}

}  // namespace
}  // namespace postern::chaos
