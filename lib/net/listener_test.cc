#include "lib/net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <deque>
#include <memory>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/net/testing/loopback.h"

namespace postern::net {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;

struct Guest {
  Fd socket;
  Intake::Pass pass;
};

class ListenerTest : public testing::Test {
 protected:
  void Open(const Intake::Limits& limits) {
    listener_ = std::make_unique<Listener>(
        net_.loop(), Loopback::ListenAnywhere(), limits,
        [this](Fd socket, const SocketAddress& peer, Intake::Pass pass) {
          EXPECT_EQ(peer.ip(), "127.0.0.1");
          guests_.push_back({std::move(socket), std::move(pass)});
        },
        [this] { ++refused_; });
  }
  Fd Come() { return Loopback::ConnectTo(listener_->address()); }
  // Whether the other end was closed.
  static bool TurnedAway(const Fd& socket) {
    char byte = 0;
    return recv(socket.get(), &byte, 1, 0) == 0;
  }

  Loopback net_;
  std::unique_ptr<Listener> listener_;
  std::deque<Guest> guests_;  // gone before the listener: a pass counts in it
  int refused_ = 0;
};

TEST_F(ListenerTest, TellsItsPortAndTakesGuests) {
  Open({});
  EXPECT_NE(listener_->address().port(), 0);
  const Fd one = Come();
  const Fd two = Come();
  EXPECT_TRUE(net_.RunUntil([&] { return guests_.size() == 2; }));
  EXPECT_EQ(listener_->intake().handshakes(), 2U);
  EXPECT_EQ(refused_, 0);
}

TEST_F(ListenerTest, TurnsAwayWhoComesBeyondTheLimitUntilSomebodyLeaves) {
  Open({.connections = 2});
  const Fd one = Come();
  const Fd two = Come();
  const Fd three = Come();
  ASSERT_TRUE(net_.RunUntil([&] { return refused_ == 1; }));
  EXPECT_EQ(guests_.size(), 2U);
  EXPECT_TRUE(TurnedAway(three));
  guests_.pop_front();
  const Fd four = Come();
  EXPECT_TRUE(net_.RunUntil([&] { return guests_.size() == 2; }));
  EXPECT_EQ(refused_, 1);
}

TEST_F(ListenerTest, StopsFromWithinItsOwnCall) {
  Open({});
  const SocketAddress address = listener_->address();
  listener_ = nullptr;
  listener_ = std::make_unique<Listener>(
      net_.loop(), *Listen(address), Intake::Limits{},
      [this](Fd socket, const SocketAddress&, Intake::Pass pass) {
        guests_.push_back({std::move(socket), std::move(pass)});
        listener_->Stop();
      },
      [] {});
  const Fd one = Come();
  const Fd two = Come();
  ASSERT_TRUE(net_.RunUntil([&] { return !guests_.empty(); }));
  net_.Settle();
  EXPECT_EQ(guests_.size(), 1U);
  listener_->Stop();
}

// Without the rest the loop would spin: the pending socket stays readable.
TEST_F(ListenerTest, RestsWithoutDescriptorsAndGoesOnWithThem) {
#if defined(__SANITIZE_ADDRESS__)
  // UBSan looks at an object's vptr through a pipe, for which this test leaves no descriptor.
  GTEST_SKIP() << "runs in the dev and tsan presets only";
#endif
  Open({});
  const Fd guest = Come();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const Fd next(fcntl(guest.get(), F_DUPFD_CLOEXEC, 0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next.get()) + 1;  // every lower number is taken
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  net_.loop().RunOnce(std::chrono::milliseconds(50));
  net_.loop().RunOnce(base::Duration::zero());
  net_.loop().RunOnce(base::Duration::zero());
  EXPECT_EQ(refused_, 1) << "a resting listener does not try again at once";
  EXPECT_TRUE(guests_.empty());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(net_.RunUntil([&] { return guests_.size() == 1; }));
}

TEST(Listen, SaysWhatIsInTheWay) {
  const Fd taken = Loopback::ListenAnywhere();
  const base::Result<Fd> again = Listen(SocketAddress::LocalOf(taken.get()));
  EXPECT_THAT(again, HasCode(Code::kConflict));
  EXPECT_THAT(again, FailsWith("choose another port"));
  EXPECT_THAT(again, FailsWith(SocketAddress::LocalOf(taken.get()).text()));
  const base::Result<Fd> foreign = Listen(*SocketAddress::FromIp("192.0.2.7", 0));
  EXPECT_THAT(foreign, HasCode(Code::kInvalid));
  EXPECT_THAT(foreign, FailsWith("this machine has no such address"));
}

// From here on this process is on a kernel that was started with ipv6.disable=1.
void LoseIpv6() {
  const sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), const_cast<sock_filter*>(filter)};
  const bool lost = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  CHECK(lost, "a process may take a right away from itself");
}

TEST(Listen, OnEveryAddressNeedsNoIpv6) {
  const auto listens = [] {
    LoseIpv6();
    const base::Result<Fd> socket = Listen(*SocketAddress::FromIp("", 0));
    _exit(socket && SocketAddress::LocalOf(socket->get()).ip() == "0.0.0.0" ? 0 : 1);
  };
  EXPECT_EXIT(listens(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace postern::net
