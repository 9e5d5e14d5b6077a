// Intake: how many connections a listener takes, counted before any cryptography is paid for.
//
// Strangers can make us do a handshake (about 0.3 ms of a core); this bounds how many at once and
// how many from one address. Pure: sees addresses as text, opens nothing.
//
//   if (auto pass = intake.Admit(peer.ip()); pass) { …handshake…; pass->Established(); }
//
// Threads: loop.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace postern::net {

class Intake {
 public:
  struct Limits {
    std::size_t connections = 30'000;
    std::size_t connections_for_each_address = 25'000;  // one NAT may hide a whole site
    std::size_t handshakes = 512;
    std::size_t handshakes_for_each_address = 256;
  };

  // One admitted connection. Gives its place back when destroyed.
  class Pass {
   public:
    Pass(Intake& intake, std::string address) : intake_(&intake), address_(std::move(address)) {}
    Pass(Pass&& other) noexcept
        : intake_(std::exchange(other.intake_, nullptr)),
          address_(std::move(other.address_)),
          established_(other.established_) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass();

    // The handshake is over: the connection counts as established from now on.
    void Established();

   private:
    Intake* intake_;
    std::string address_;
    bool established_ = false;
  };

  explicit Intake(const Limits& limits) : limits_(limits) {}

  // Returns a pass, or nothing where a limit is reached: close the socket without a word.
  std::optional<Pass> Admit(const std::string& address);

  std::size_t handshakes() const { return handshakes_; }
  std::size_t connections() const { return connections_; }

 private:
  struct Count {
    std::size_t connections = 0;
    std::size_t handshakes = 0;
  };

  Limits limits_;
  std::size_t connections_ = 0;  // established and in handshake
  std::size_t handshakes_ = 0;
  std::unordered_map<std::string, Count> by_address_;
};

}  // namespace postern::net
