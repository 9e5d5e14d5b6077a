// TcpGate: a stretch of network between two real processes that a test can break.
//
//   POSTERN_ASSERT_OK_AND_ASSIGN(const auto gate, TcpGate::Open(parent_port));
//   … the child is told to dial gate->port() …
//   gate->Freeze(Direction::kToTarget);   // the connection stays, its bytes do not move
//   gate->Restore();                      // and then: check that all is well again
//
// Both ends are on 127.0.0.1. A fault holds for connections that are open and for later ones, until
// Restore. Returning from a call means that the fault is in force.
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "lib/base/result.h"

namespace postern::support {

enum class Direction : std::uint8_t { kToTarget = 0, kToClient = 1 };
enum class Ending : std::uint8_t { kReset, kEnd };  // RST, or FIN as if the sender were done

class TcpGate {
 public:
  // Listens on a free port and forwards each connection to `target_port`. kUnavailable where the
  // kernel gives no port.
  static base::Result<std::unique_ptr<TcpGate>> Open(std::uint16_t target_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  std::uint16_t port() const;
  // Later connections go there: a target that was started again has another port.
  void Retarget(std::uint16_t target_port);

  // New connections are refused; open ones go on.
  void Refuse();
  // Every open connection gets a RST on both sides, once. New ones are let in.
  void Reset();
  // No byte and no end moves in this direction; the sender's socket fills, as with a dead route.
  void Freeze(Direction direction);
  // Each connection moves at most this many bytes a second in this direction. More than 0.
  void Slow(Direction direction, std::uint64_t bytes_per_second);
  // Each byte arrives this much later. At most 16 MiB are on their way.
  void Delay(Direction direction, std::chrono::milliseconds by);
  // The connection that carries the `bytes`th byte from now on in this direction is cut behind it,
  // both ways, once: where frames are longer, in the middle of one. With kEnd the receiver sees a
  // clean end.
  void CutAfter(Direction direction, std::uint64_t bytes, Ending ending);
  // Ends every fault: what was frozen moves on, what was refused may try again.
  void Restore();

  // TCP payload handed on in this direction since the gate was opened.
  std::uint64_t bytes(Direction direction) const;
  // Connections let in since the gate was opened, and those of them that are open now.
  std::uint64_t accepted() const;
  std::uint64_t open() const;

 private:
  class Impl;
  explicit TcpGate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::support
