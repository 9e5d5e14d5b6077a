// Sockets that never block, owned and closed in one place.
//
// Threads: loop.
#pragma once

#include <utility>

#include "lib/base/result.h"
#include "lib/net/address.h"

namespace postern::net {

// A descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  // Hands the descriptor to an owner that is not ours.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Listens at `address`; port 0 takes any. kConflict where it is taken (told: address, remedy),
// kDenied where this user may not.
base::Result<Fd> Listen(const SocketAddress& address);

// Starts connecting; the socket turns writable when that is decided. kUnavailable at once where
// there is no route.
base::Result<Fd> StartConnect(const SocketAddress& address);
// What became of StartConnect: kUnavailable with event 21006, told in the system's words.
base::Status ConnectOutcome(const Fd& socket, const SocketAddress& address);

// No delay for small writes, keep-alive, and no more than 64 KiB unsent in the kernel: a heartbeat
// must not wait behind megabytes that a slow link has not taken yet.
void TuneStream(const Fd& socket);

}  // namespace postern::net
