// Wall clocks that step by years: nothing that is kept may be taken for too old or too new.
#include <gmock/gmock.h>

#include <chrono>

#include "lib/base/testing/matchers.h"
#include "tests/chaos/faketime.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using integration::Lost;
using integration::Repeated;
using integration::Sender;
using integration::Topology;
using otlp::Signal;
using testing::IsEmpty;

struct Step {
  const char* what;
  std::chrono::sys_days to;
};

void PrintTo(const Step& step, std::ostream* out) { *out << step.what; }

class Clock : public testing::TestWithParam<Step> {
 protected:
  void SetUp() override {
    if (FindFaketime() != nullptr) return;
    GTEST_SKIP() << "*** SKIPPED: no faketime here: apt-get install faketime";
  }
  // From its next start on the gateway's wall clock, and its certificate, begin at that day; its
  // timers go on as they are.
  void SetClock(const Step& step) {
    gateway().SetVariable("LD_PRELOAD", FindFaketime());
    gateway().SetVariable("FAKETIME", "@" + std::string(step.what) + " 12:00:00");
    gateway().SetVariable("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    gateway().SetVariable("ASAN_OPTIONS", "verify_asan_link_order=0");
    const pki::TestAuthority then("the CA of that day", step.to);
    gateway().SetIdentity(then.MakeMember("gw1.example"));
    gateway().SetRoots({then.authority().certificate()});
  }
  void SetClockRight() {
    gateway().SetVariable("LD_PRELOAD", "");
    gateway().SetIdentity(topology_.authority().MakeMember("gw1.example"));
    gateway().SetRoots({topology_.authority().authority().certificate()});
  }
  void Send() {
    Sender sender(topology_.otlp_port(), {.after = sent_});
    for (std::uint32_t i = 0; i < kBatches; ++i) ASSERT_THAT(sender.Send(), IsOk());
    sent_ += kBatches;
    accepted_.insert(accepted_.end(), sender.accepted().begin(), sender.accepted().end());
  }

  integration::Relay& gateway() { return topology_.gateway(); }

  static constexpr std::uint32_t kBatches = 10;
  Topology topology_{{.ack = "Durable, maxAge: 24h"}};
  std::uint32_t sent_ = 0;
  std::vector<std::string> accepted_;
};

// While it is off the server would not believe it: what is kept waits.
TEST_P(Clock, ThatStepsAndComesBackLosesAndExpiresNothing) {
  ASSERT_THAT(topology_.Start(), IsOk());
  topology_.gate().Refuse();
  topology_.gate().Reset();
  ASSERT_NO_FATAL_FAILURE(Send());
  SetClock(GetParam());
  ASSERT_THAT(topology_.KillAndRestartGateway(), IsOk());
  EXPECT_THAT(gateway().Log(), testing::HasSubstr(GetParam().what)) << "it has stepped";
  ASSERT_NO_FATAL_FAILURE(Send());
  SetClockRight();
  topology_.gate().Restore();
  ASSERT_THAT(topology_.KillAndRestartGateway(), IsOk());
  ASSERT_NO_FATAL_FAILURE(Send());
  const std::vector<std::string> delivered = topology_.AwaitDelivered(accepted_);
  EXPECT_THAT(Lost(accepted_, delivered), IsEmpty());
  EXPECT_THAT(Repeated(delivered), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(To, Clock,
                         testing::Values(Step{"2001-01-01", std::chrono::year(2001) / 1 / 1},
                                         Step{"2039-01-01", std::chrono::year(2039) / 1 / 1}),
                         [](const auto& step) {
                           return std::string(step.param.what).substr(0, 4);
                         });

}  // namespace
}  // namespace postern::chaos
