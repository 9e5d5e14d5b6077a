// bench_wire_gate: counts the bytes on a stretch of loopback network.
//
//   bench_wire_gate 15723      prints the port that leads to 127.0.0.1:15723
//
// For each line that it reads it prints one, "TO_TARGET TO_CLIENT": TCP payload since it started.
// The end of its input ends it.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/support/tcp_gate.h"

int main(int argc, char** argv) {
  using postern::support::Direction;
  const int target = argc == 2 ? std::atoi(argv[1]) : 0;
  if (target <= 0 || target > 65535) {
    std::cerr << "usage: bench_wire_gate PORT\n";
    return 64;
  }
  const auto gate = postern::support::TcpGate::Open(static_cast<std::uint16_t>(target));
  if (!gate) {
    std::cerr << gate.error().message() << "\n";
    return 1;
  }
  std::cout << (*gate)->port() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << (*gate)->bytes(Direction::kToTarget) << " " << (*gate)->bytes(Direction::kToClient)
              << std::endl;
  }
  return 0;
}
