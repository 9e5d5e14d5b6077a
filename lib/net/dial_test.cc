#include "lib/net/dial.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <memory>
#include <optional>

#include "lib/base/testing/matchers.h"
#include "lib/net/testing/loopback.h"
#include "lib/pki/event.h"

namespace postern::net {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

HostPort TargetOf(const Fd& listener) {
  return {"127.0.0.1", SocketAddress::LocalOf(listener.get()).port()};
}

// A port where nobody listens: it was free a moment ago.
HostPort Nowhere() { return TargetOf(Loopback::ListenAnywhere()); }

// A listener that answers nobody: its line of one is full, so later SYNs are dropped.
struct Silent {
  Silent() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const SocketAddress any = *SocketAddress::FromIp("127.0.0.1", 0);
    EXPECT_EQ(bind(socket.get(), any.raw(), any.size()), 0);
    EXPECT_EQ(listen(socket.get(), 0), 0);
    for (Fd& one : line) one = *StartConnect(SocketAddress::LocalOf(socket.get()));
  }
  Fd socket;
  std::array<Fd, 4> line;
};

class DialTest : public testing::Test {
 protected:
  Result<Fd> Reach(std::vector<HostPort> targets, base::Duration bound = seconds(10)) {
    std::optional<Result<Fd>> outcome;
    const Dial dial(net_.loop(), resolver_, std::move(targets), bound,
                    [&](Result<Fd> socket) { outcome = std::move(socket); });
    EXPECT_FALSE(outcome) << "never from the constructor";
    EXPECT_TRUE(net_.RunUntil([&] { return outcome.has_value(); }));
    return *std::move(outcome);
  }

  Loopback net_;
  Resolver resolver_{net_.loop()};
};

TEST_F(DialTest, ReachesAListener) {
  const Fd listener = Loopback::ListenAnywhere();
  const Result<Fd> socket = Reach({TargetOf(listener)});
  ASSERT_THAT(socket, IsOk());
  EXPECT_EQ(send(socket->get(), "x", 1, 0), 1);
}

TEST_F(DialTest, GoesOnToTheNextTarget) {
  const Fd listener = Loopback::ListenAnywhere();
  EXPECT_THAT(Reach({Nowhere(), {"nonexistent.invalid", 1}, TargetOf(listener)}), IsOk());
}

TEST_F(DialTest, TellsWhyTheLastTargetFailed) {
  const HostPort nowhere = Nowhere();
  const Result<Fd> refused = Reach({nowhere});
  EXPECT_THAT(refused, HasCode(Code::kUnavailable));
  EXPECT_EQ(refused.error().event(), pki::event::kConnectFailed);
  EXPECT_THAT(refused, base::FailsWith("127.0.0.1:" + std::to_string(nowhere.port)));
  const Result<Fd> unknown = Reach({nowhere, {"nonexistent.invalid", 1}});
  EXPECT_THAT(unknown, HasCode(Code::kUnavailable));
  EXPECT_EQ(unknown.error().event(), pki::event::kNameNotResolved);
}

TEST_F(DialTest, WaitsNoLongerThanItsBound) {
  const Silent silent;
  const Result<Fd> outcome = Reach({TargetOf(silent.socket)}, milliseconds(30));
  EXPECT_THAT(outcome, HasCode(Code::kTimeout));
  EXPECT_EQ(outcome.error().event(), pki::event::kConnectFailed);
}

TEST_F(DialTest, CallsNobodyOnceItIsGone) {
  const Silent silent;
  const Fd listener = Loopback::ListenAnywhere();
  for (const HostPort& target : {TargetOf(silent.socket), TargetOf(listener)}) {
    bool called = false;
    {
      const Dial dial(net_.loop(), resolver_, {target}, seconds(10),
                      [&](const Result<Fd>&) { called = true; });
      net_.loop().RunOnce(milliseconds(1));  // the look-up, perhaps the connecting is under way
    }
    net_.Settle();
    EXPECT_FALSE(called);
  }
}

TEST_F(DialTest, MayBeDestroyedByItsOwnAnswer) {
  const Fd listener = Loopback::ListenAnywhere();
  for (const HostPort& target :
       {TargetOf(listener), Nowhere(), HostPort{"nonexistent.invalid", 1}}) {
    std::unique_ptr<Dial> dial;
    bool done = false;
    dial = std::make_unique<Dial>(net_.loop(), resolver_, std::vector{target}, seconds(10),
                                  [&](const Result<Fd>&) {
                                    dial.reset();
                                    done = true;
                                  });
    EXPECT_TRUE(net_.RunUntil([&] { return done; })) << target.host;
  }
}

}  // namespace
}  // namespace postern::net
