// What an OTLP backend gets from a server that is killed: again at most the requests that a life
// had in flight, each with a mark and counted; and what is new in its order.
#include <gmock/gmock.h>

#include <csignal>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "lib/base/testing/matchers.h"
#include "tests/chaos/endpoint.h"
#include "tests/chaos/load.h"
#include "tests/integration/topology.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using integration::kSoon;
using integration::Repeated;
using integration::Sender;
using integration::Topology;
using std::chrono::milliseconds;
using support::Process;
using testing::IsEmpty;

constexpr std::size_t kInFlight = 4;  // the configuration's default: requests of one signal

// Which requests of each life held something that came again, by the life's peer.
std::map<std::string, std::set<std::size_t>> RepeatedRequests(
    const std::vector<Endpoint::Noted>& noted) {
  std::map<std::string, std::set<std::size_t>> repeated;
  std::unordered_map<std::string, std::size_t> latest;  // request with an id
  for (std::size_t at = 0; at < noted.size(); ++at) {
    for (const std::string& id : noted[at].ids) {
      const auto before = latest.find(id);
      if (before != latest.end()) repeated[noted[before->second].peer].insert(before->second);
      latest[id] = at;
    }
  }
  return repeated;
}

// How many exports a life sent that an earlier request held too.
std::size_t ExportsSentAgain(const std::vector<Endpoint::Noted>& noted, const std::string& peer) {
  std::set<std::string> seen;
  std::size_t again = 0;
  for (const Endpoint::Noted& one : noted) {
    for (const std::string& id : one.ids) again += !seen.insert(id).second && one.peer == peer;
  }
  return (again + Sender::kRecords - 1) / Sender::kRecords;
}

// A remote backend alone, so that each answer that the server gets is its.
class Redelivery : public testing::Test {
 protected:
  Redelivery() { remote_.AnswerWith({.delay = milliseconds(3)}); }

  // What the life that is over counted is gone with it, so this comes before each kill.
  void ExpectRepeatsCounted() {
    const std::vector<Endpoint::Noted> noted = remote_.noted();
    if (noted.empty() || ended_.contains(noted.back().peer)) return;  // this life has sent nothing
    EXPECT_GE(topology_.server().Metric("postern_relay_redelivered_records_total").value_or(-1),
              static_cast<double>(ExportsSentAgain(noted, noted.back().peer)));
  }
  void KillAndRestart() {
    ExpectRepeatsCounted();
    topology_.server().process().Kill();
    for (const Endpoint::Noted& one : remote_.noted()) ended_.insert(one.peer);
    ASSERT_THAT(topology_.RestartServer(), IsOk());
  }
  void ExpectWhatWasInFlightAtMost(const std::vector<std::string>& accepted) {
    ASSERT_TRUE(remote_.Awaits(accepted)) << "nothing is lost";
    ExpectRepeatsCounted();
    for (const auto& [peer, requests] : RepeatedRequests(remote_.noted())) {
      EXPECT_LE(requests.size(), kInFlight) << peer;
    }
    EXPECT_THAT(Repeated(remote_.unmarked()), IsEmpty()) << "without a mark nothing comes twice";
  }

  Endpoint remote_;
  Topology topology_{{.ack = "Durable", .backends = remote_.AsBackend()}};
  std::set<std::string> ended_;  // peers of the lives that are over
};

TEST_F(Redelivery, IsOfTheRequestsInFlightAtMostOverKillsAtRandom) {
  ASSERT_THAT(topology_.Start(), IsOk());
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Load load(topology_.otlp_port(), {.filler_bytes = 500});
  for (int kill = 0; kill < 6; ++kill) {
    ASSERT_TRUE(load.AwaitMore(static_cast<int>(1 + random() % 60)));
    ASSERT_NO_FATAL_FAILURE(KillAndRestart());
  }
  ASSERT_TRUE(load.AwaitMore(20));
  ASSERT_NO_FATAL_FAILURE(ExpectWhatWasInFlightAtMost(load.Stop()));
}

#ifdef POSTERN_KILLPOINTS
constexpr bool kHasKillPoints = true;
#else
constexpr bool kHasKillPoints = false;
#endif

// With an answer there that is not written down.
TEST_F(Redelivery, IsOfTheRequestsInFlightAtMostOverKillsBetweenAnAnswerAndTheCursor) {
  if (!kHasKillPoints) {
    GTEST_SKIP() << "*** SKIPPED: no kill points in this build: -DPOSTERN_KILLPOINTS=ON";
  }
  constexpr const char* kPoint = "backend.answer-cursor:50";
  topology_.server().DieAt(kPoint);
  ASSERT_THAT(topology_.Start(), IsOk());
  Load load(topology_.otlp_port(), {.filler_bytes = 500});
  for (int kill = 1; kill <= 3; ++kill) {
    ASSERT_THAT(topology_.server().process().WaitForExit(kSoon),
                IsOkAndHolds(Process::Exit{.code = 0, .signal = SIGKILL}));
    if (kill < 3) topology_.server().DieAt(kPoint);
    ASSERT_THAT(topology_.RestartServer(), IsOk());
  }
  ASSERT_TRUE(load.AwaitMore(20)) << "all is well again";
  ASSERT_NO_FATAL_FAILURE(ExpectWhatWasInFlightAtMost(load.Stop()));
  EXPECT_GE(RepeatedRequests(remote_.noted()).size(), 3U) << "each life left one";
}

// Where each id came for the first time, in order.
std::unordered_map<std::string, std::size_t> FirstDeliveries(const std::vector<std::string>& all) {
  std::unordered_map<std::string, std::size_t> first;
  for (const std::string& id : all) first.try_emplace(id, first.size());
  return first;
}

// A client sends its next batch once the one before is answered: so they are committed.
TEST_F(Redelivery, LeavesWhatIsNewInTheOrderInWhichEachClientSentIt) {
  ASSERT_THAT(topology_.Start(), IsOk());
  Load load(topology_.otlp_port());
  for (int kill = 0; kill < 4; ++kill) {
    ASSERT_TRUE(load.AwaitMore(15));
    ASSERT_NO_FATAL_FAILURE(KillAndRestart());
  }
  ASSERT_TRUE(load.AwaitMore(20));
  ASSERT_TRUE(remote_.Awaits(load.Stop()));
  const auto first = FirstDeliveries(remote_.all());
  for (const std::vector<std::string>& sent : load.accepted()) {
    for (std::size_t at = 1; at < sent.size(); ++at) {
      ASSERT_LT(first.at(sent[at - 1]), first.at(sent[at])) << sent[at - 1] << ", " << sent[at];
    }
  }
}

}  // namespace
}  // namespace postern::chaos
