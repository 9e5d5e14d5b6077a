// Load: several clients at once that each send one batch after the other, whatever happens.
//
//   Load load(topology.otlp_port());
//   ASSERT_TRUE(load.AwaitMore(20));
//   … a relay dies and comes back …
//   EXPECT_TRUE(load.AwaitMore(20));
//   EXPECT_THAT(Lost(load.Stop(), topology.AwaitDelivered(…)), IsEmpty());
//
// A batch that is refused, or whose answer did not come, is not sent again: what arrives twice was
// repeated by a relay. Threads: loop; each client has one of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/sender.h"

namespace postern::chaos {

class Load {
 public:
  // `batches.after` counts for all of them: loads that follow each other need other ones.
  explicit Load(std::uint16_t port, integration::Batches batches = {});

  // Waits until each client had that many more batches taken.
  bool AwaitMore(int batches);
  // Ends, and returns the ids of what was answered with OK.
  std::vector<std::string> Stop();
  // The same of each client, in the order in which it sent them. Requires Stop.
  std::vector<std::vector<std::string>> accepted() const;

 private:
  std::vector<std::unique_ptr<integration::SteadySender>> senders_;
};

}  // namespace postern::chaos
