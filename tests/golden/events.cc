// Prints the catalogue of events, one a line: number, severity, reason, meaning.
#include <iostream>

#include "lib/pki/event.h"

int main() {
  constexpr std::array kSeverities = {"information", "warning", "error"};
  for (const postern::pki::Event& event : postern::pki::kEvents) {
    std::cout << event.number << ' ' << kSeverities.at(static_cast<std::size_t>(event.severity))
              << ' ' << event.reason << ": " << event.meaning << '\n';
  }
}
