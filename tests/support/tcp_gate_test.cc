#include "tests/support/tcp_gate.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "lib/base/testing/matchers.h"

namespace postern::support {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kSoon(10'000);  // for what has to happen
constexpr milliseconds kQuiet(150);    // for what must not

// A blocking socket, and how each call went in words.
class Socket {
 public:
  explicit Socket(int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() { close(fd_); }

  int fd() const { return fd_; }
  bool Send(std::string_view bytes) {
    return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // Returns `wanted` bytes, or less and a word: "abc", "ab|end", "|reset", "|quiet".
  std::string Receive(std::size_t wanted, milliseconds most = kSoon) {
    std::string got;
    while (got.size() < wanted) {
      pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, static_cast<int>(most.count())) == 0) return got + "|quiet";
      std::array<char, 65536> chunk{};
      const ssize_t size = recv(fd_, chunk.data(), std::min(chunk.size(), wanted - got.size()), 0);
      if (size == 0) return got + "|end";
      if (size < 0) return got + (errno == ECONNRESET ? "|reset" : "|error");
      got.append(chunk.data(), static_cast<std::size_t>(size));
    }
    return got;
  }

 private:
  int fd_;
};

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Target {
 public:
  Target() {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof address;
    bind(listener_.fd(), reinterpret_cast<const sockaddr*>(&address), size);
    listen(listener_.fd(), 16);
    const timeval most{.tv_sec = 10, .tv_usec = 0};  // a connection that never comes is a failure
    setsockopt(listener_.fd(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  std::uint16_t port() const { return port_; }
  Socket Accept() { return Socket(accept(listener_.fd(), nullptr, nullptr)); }

 private:
  Socket listener_;
  std::uint16_t port_ = 0;
};

// Both ends of a connection through the gate.
struct Pair {
  Socket client;
  Socket server;
};

class TcpGateTest : public testing::Test {
 protected:
  void SetUp() override { POSTERN_ASSERT_OK_AND_ASSIGN(gate_, TcpGate::Open(target_.port())); }
  // Each test ends here: whatever was broken, a new connection works both ways after Restore.
  void TearDown() override {
    gate_->Restore();
    Pair pair = Connect();
    ExpectBothWays(pair);
  }

  int TryConnect(Socket& client) {
    const sockaddr_in address = Loopback(gate_->port());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    return connect(client.fd(), generic, sizeof address) == 0 ? 0 : errno;
  }
  Pair Connect() {
    Socket client;
    EXPECT_EQ(TryConnect(client), 0);
    return {std::move(client), target_.Accept()};
  }
  static void ExpectBothWays(Pair& pair) {
    EXPECT_TRUE(pair.client.Send("ping"));
    EXPECT_EQ(pair.server.Receive(4), "ping");
    EXPECT_TRUE(pair.server.Send("pong"));
    EXPECT_EQ(pair.client.Receive(4), "pong");
  }

  Target target_;
  std::unique_ptr<TcpGate> gate_;
};

TEST_F(TcpGateTest, ForwardsAndCountsBothWays) {
  Pair pair = Connect();
  ExpectBothWays(pair);
  EXPECT_TRUE(pair.client.Send("more"));
  EXPECT_EQ(pair.server.Receive(4), "more");
  EXPECT_EQ(gate_->bytes(Direction::kToTarget), 8U);
  EXPECT_EQ(gate_->bytes(Direction::kToClient), 4U);
  EXPECT_EQ(gate_->accepted(), 1U);
  EXPECT_EQ(gate_->open(), 1U);
}

TEST_F(TcpGateTest, PassesAnEndOnInOneDirectionOnly) {
  Pair pair = Connect();
  EXPECT_TRUE(pair.client.Send("last"));
  shutdown(pair.client.fd(), SHUT_WR);
  EXPECT_EQ(pair.server.Receive(5), "last|end");
  EXPECT_TRUE(pair.server.Send("answer"));
  EXPECT_EQ(pair.client.Receive(6), "answer");
}

TEST_F(TcpGateTest, PassesAResetOn) {
  Pair pair = Connect();
  ExpectBothWays(pair);
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(pair.client.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  { const Socket gone = std::move(pair.client); }
  EXPECT_EQ(pair.server.Receive(1), "|reset");
}

TEST_F(TcpGateTest, MovesMoreThanEveryBufferHolds) {
  Pair pair = Connect();
  const std::string sent(std::size_t{8} * 1024 * 1024, 'x');
  std::thread sender([&] { EXPECT_TRUE(pair.client.Send(sent)); });
  EXPECT_EQ(pair.server.Receive(sent.size()).size(), sent.size());
  sender.join();
}

TEST_F(TcpGateTest, RefusesNewConnectionsAndSparesOpenOnes) {
  Pair pair = Connect();
  gate_->Refuse();
  Socket refused;
  EXPECT_EQ(TryConnect(refused), ECONNREFUSED);
  ExpectBothWays(pair);
}

TEST_F(TcpGateTest, ResetsBothSides) {
  Pair pair = Connect();
  ExpectBothWays(pair);
  gate_->Reset();
  EXPECT_EQ(pair.client.Receive(1), "|reset");
  EXPECT_EQ(pair.server.Receive(1), "|reset");
}

TEST_F(TcpGateTest, LooksLikeAResetWhereTheTargetIsGone) {
  Socket client;
  gate_->Retarget(1);  // tcpmux: nobody listens there
  EXPECT_EQ(TryConnect(client), 0);
  EXPECT_EQ(client.Receive(1), "|reset");
  gate_->Retarget(target_.port());
}

TEST_F(TcpGateTest, FreezesTheWayToTheTargetAlone) {
  Pair pair = Connect();
  gate_->Freeze(Direction::kToTarget);
  EXPECT_TRUE(pair.client.Send("ping"));
  EXPECT_EQ(pair.server.Receive(4, kQuiet), "|quiet");
  EXPECT_TRUE(pair.server.Send("pong"));
  EXPECT_EQ(pair.client.Receive(4), "pong");
  gate_->Restore();
  EXPECT_EQ(pair.server.Receive(4), "ping");
}

TEST_F(TcpGateTest, FreezesTheWayToTheClientAlone) {
  Pair pair = Connect();
  gate_->Freeze(Direction::kToClient);
  EXPECT_TRUE(pair.server.Send("pong"));
  EXPECT_EQ(pair.client.Receive(4, kQuiet), "|quiet");
  EXPECT_TRUE(pair.client.Send("ping"));
  EXPECT_EQ(pair.server.Receive(4), "ping");
  gate_->Restore();
  EXPECT_EQ(pair.client.Receive(4), "pong");
}

TEST_F(TcpGateTest, FreezesWhatIsOnItsWay) {
  Pair pair = Connect();
  gate_->Delay(Direction::kToTarget, milliseconds(100));
  EXPECT_TRUE(pair.client.Send("ping"));
  EXPECT_EQ(pair.server.Receive(4, milliseconds(20)), "|quiet");
  gate_->Freeze(Direction::kToTarget);
  EXPECT_EQ(pair.server.Receive(4, kQuiet), "|quiet");
  // By now it is due; what moves the other way does not take it along.
  EXPECT_TRUE(pair.server.Send("pong"));
  EXPECT_EQ(pair.client.Receive(4), "pong");
  EXPECT_EQ(pair.server.Receive(4, kQuiet), "|quiet");
  gate_->Restore();
  EXPECT_EQ(pair.server.Receive(4), "ping");
}

TEST_F(TcpGateTest, HidesAnEndWhileFrozen) {
  Pair pair = Connect();
  gate_->Freeze(Direction::kToTarget);
  shutdown(pair.client.fd(), SHUT_WR);
  EXPECT_EQ(pair.server.Receive(1, kQuiet), "|quiet");
  gate_->Restore();
  EXPECT_EQ(pair.server.Receive(1), "|end");
}

struct PaceCase {
  const char* when;
  Direction direction;
};
constexpr PaceCase kPaceCases[] = {
    {.when = "on the way to the target", .direction = Direction::kToTarget},
    {.when = "on the way to the client", .direction = Direction::kToClient},
};

TEST_F(TcpGateTest, SlowsToTheRateInEitherDirection) {
  for (const PaceCase& row : kPaceCases) {
    SCOPED_TRACE(row.when);
    Pair pair = Connect();
    const bool up = row.direction == Direction::kToTarget;
    Socket& sender = up ? pair.client : pair.server;
    Socket& receiver = up ? pair.server : pair.client;
    gate_->Slow(row.direction, 100'000);
    const steady_clock::time_point start = steady_clock::now();
    EXPECT_TRUE(sender.Send(std::string(30'000, 'x')));
    EXPECT_EQ(receiver.Receive(30'000).size(), 30'000U);
    const auto took = steady_clock::now() - start;
    EXPECT_GE(took, milliseconds(230));  // 300, less one burst of 50 and a tick
    EXPECT_LT(took, kSoon);
    gate_->Restore();
    ExpectBothWays(pair);
  }
}

TEST_F(TcpGateTest, DelaysEitherDirection) {
  for (const PaceCase& row : kPaceCases) {
    SCOPED_TRACE(row.when);
    Pair pair = Connect();
    const bool up = row.direction == Direction::kToTarget;
    Socket& sender = up ? pair.client : pair.server;
    Socket& receiver = up ? pair.server : pair.client;
    gate_->Delay(row.direction, milliseconds(200));
    const steady_clock::time_point start = steady_clock::now();
    EXPECT_TRUE(sender.Send("late"));
    EXPECT_EQ(receiver.Receive(4), "late");
    EXPECT_GE(steady_clock::now() - start, milliseconds(200));
    gate_->Restore();
    ExpectBothWays(pair);
  }
}

struct CutCase {
  const char* when;
  Direction direction;
  Ending ending;
  const char* then;  // what the receiver gets of "abcdef" when it is cut behind the fourth byte
};
constexpr CutCase kCutCases[] = {
    {.when = "the target sees a clean end",
     .direction = Direction::kToTarget,
     .ending = Ending::kEnd,
     .then = "abcd|end"},
    {.when = "the client sees a clean end",
     .direction = Direction::kToClient,
     .ending = Ending::kEnd,
     .then = "abcd|end"},
};

TEST_F(TcpGateTest, CutsInTheMiddleWithAnEnd) {
  for (const CutCase& row : kCutCases) {
    SCOPED_TRACE(row.when);
    Pair pair = Connect();
    const bool up = row.direction == Direction::kToTarget;
    gate_->CutAfter(row.direction, 4, row.ending);
    EXPECT_TRUE((up ? pair.client : pair.server).Send("abcdef"));
    EXPECT_EQ((up ? pair.server : pair.client).Receive(6), row.then);
    Pair next = Connect();  // once: the next connection lives
    ExpectBothWays(next);
  }
}

TEST_F(TcpGateTest, CutsInTheMiddleWithAReset) {
  for (const PaceCase& row : kPaceCases) {
    SCOPED_TRACE(row.when);
    Pair pair = Connect();
    const bool up = row.direction == Direction::kToTarget;
    gate_->CutAfter(row.direction, 4, Ending::kReset);
    EXPECT_TRUE((up ? pair.client : pair.server).Send("abcdef"));
    // A reset may overtake the bytes before it.
    EXPECT_THAT((up ? pair.server : pair.client).Receive(6),
                testing::AnyOf("abcd|reset", "|reset"));
    EXPECT_EQ((up ? pair.client : pair.server).Receive(1), "|reset");
    EXPECT_EQ(gate_->bytes(row.direction) % 4, 0U);
  }
}

TEST_F(TcpGateTest, CountsACutAcrossConnections) {
  Pair first = Connect();
  gate_->CutAfter(Direction::kToTarget, 6, Ending::kEnd);
  ExpectBothWays(first);  // four of the six
  Pair second = Connect();
  EXPECT_TRUE(second.client.Send("abcd"));
  EXPECT_EQ(second.server.Receive(4), "ab|end");
  ExpectBothWays(first);
}

}  // namespace
}  // namespace postern::support
