// The file backend of a server that is killed whenever it pleases: every record is in the file,
// once.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "lib/base/testing/matchers.h"
#include "lib/otlp/testing/sample.h"
#include "tests/chaos/load.h"
#include "tests/integration/topology.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using integration::Lost;
using integration::Repeated;
using integration::Topology;
using otlp::Signal;
using testing::IsEmpty;

constexpr std::uint32_t kSeed = 20'261'121;

TEST(FileBackend, HoldsEverythingOnceOverKillsAtRandom) {
  Topology topology({.ack = "Durable"});
  ASSERT_THAT(topology.Start(), IsOk());
  std::mt19937 random(kSeed);
  Load load(topology.otlp_port(), {.filler_bytes = 2'000});
  for (int kill = 0; kill < 12; ++kill) {
    ASSERT_TRUE(load.AwaitMore(static_cast<int>(1 + random() % 15)));
    ASSERT_THAT(topology.KillAndRestartServer(), IsOk());
  }
  ASSERT_TRUE(load.AwaitMore(20));
  const std::vector<std::string> accepted = load.Stop();
  const std::vector<std::string> delivered = topology.AwaitDelivered(accepted);
  EXPECT_THAT(Lost(accepted, delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty());
}

std::vector<std::string> IdsOf(const std::string& path) {
  std::vector<std::string> ids;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    for (std::string& id : otlp::RecordIdsOfJson(Signal::kLogs, line)) ids.push_back(std::move(id));
  }
  return ids;
}

TEST(FileBackend, GoesOnWhereItsFileWasRotatedAwayWhileItWasDead) {
  Topology topology({.ack = "Durable"});
  ASSERT_THAT(topology.Start(), IsOk());
  Load load(topology.otlp_port());
  const std::string file = topology.DeliveredFile(Signal::kLogs);
  ASSERT_TRUE(load.AwaitMore(10));
  topology.server().process().Kill();
  std::filesystem::rename(file, file + ".1");
  ASSERT_THAT(topology.RestartServer(), IsOk());
  ASSERT_TRUE(load.AwaitMore(10));
  const std::vector<std::string> accepted = load.Stop();
  const std::vector<std::string> rotated = IdsOf(file + ".1");
  EXPECT_FALSE(rotated.empty());
  std::vector<std::string> delivered = topology.AwaitDelivered(Lost(accepted, rotated));
  delivered.insert(delivered.end(), rotated.begin(), rotated.end());
  EXPECT_THAT(Lost(accepted, delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty()) << "in both files together";
}

}  // namespace
}  // namespace postern::chaos
