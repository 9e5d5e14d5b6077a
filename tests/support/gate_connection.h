// One connection through a TcpGate: two sockets, two directions, and the faults that hold for each.
//
// Not for tests to use: they use tcp_gate.h.
// Threads: loop.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "lib/base/loop.h"
#include "tests/support/tcp_gate.h"

namespace postern::support {

// What holds for one direction of every connection.
struct GateRules {
  struct Cut {
    std::uint64_t bytes_left;
    Ending ending;
  };
  bool frozen = false;
  std::uint64_t bytes_per_second = 0;  // 0: as fast as the sockets go
  base::Duration delay{0};
  std::optional<Cut> cut;
  std::uint64_t moved = 0;  // bytes handed on
};

// One direction: reads from one socket, keeps bytes until they are due, writes to the other.
// Threads: loop.
class GatePipe {
 public:
  enum class Outcome : std::uint8_t { kWaits, kDone, kReset, kEnd };

  explicit GatePipe(GateRules& rules) : rules_(rules) {}

  // Moves what the rules and the sockets allow at `now`.
  Outcome Move(int from, int to, base::Instant now);
  // What it needs in order to go on: a readable source, a writable sink, time.
  bool wants_read() const;
  bool wants_write() const { return sink_full_ && !rules_.frozen; }
  std::optional<base::Duration> WaitFrom(base::Instant now) const;

 private:
  struct Chunk {
    std::string bytes;
    std::size_t sent;
    base::Instant due;
  };

  bool Read(int from, base::Instant now);  // false: the connection is broken
  Outcome Write(int to, base::Instant now);
  std::size_t Allowance(std::size_t wanted, base::Instant now);
  std::size_t most_buffered() const;

  GateRules& rules_;
  std::deque<Chunk> chunks_;
  std::size_t buffered_ = 0;
  bool source_ended_ = false;
  bool sink_full_ = false;
  bool done_ = false;
  double allowance_ = 0;  // bytes that Slow lets through now
  base::Instant allowance_at_{};
};

// Threads: loop.
class GateConnection {
 public:
  using Rules = std::array<GateRules, 2>;  // by Direction

  // Takes over `client`, dials 127.0.0.1:`target_port`, and calls `on_closed` once, on the loop,
  // when both sockets are closed. A target that refuses looks to the client like a reset.
  GateConnection(base::Loop& loop, Rules& rules, int client, std::uint16_t target_port,
                 std::function<void()> on_closed);
  ~GateConnection();
  GateConnection(const GateConnection&) = delete;
  GateConnection& operator=(const GateConnection&) = delete;

  // Looks at the rules anew.
  void Pump();
  void Close(Ending ending);

 private:
  struct Side final : base::FdHandler {
    Side(GateConnection& its_owner, int its_fd) : owner(its_owner), fd(its_fd) {}
    void OnReady(bool readable, bool writable) override;

    GateConnection& owner;
    int fd;
    bool watched = false;
  };

  void FinishConnect();
  bool MoveBoth(base::Instant now);  // false: closed
  void Wait(base::Instant now);
  void Want(Side& side, bool readable, bool writable);

  base::Loop& loop_;
  Side client_;
  Side target_;
  GatePipe to_target_;
  GatePipe to_client_;
  bool connected_ = false;
  bool closed_ = false;
  base::Timer timer_;
  std::function<void()> on_closed_;
};

}  // namespace postern::support
