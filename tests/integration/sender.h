// Sender: a client that sends numbered batches of log records and remembers what was taken.
// SteadySender: the same on a thread of its own, one batch after the other, until it is stopped.
//
//   SteadySender sender(topology.otlp_port());
//   ASSERT_TRUE(sender.AwaitMore(10));
//   … something happens to the relays …
//   ASSERT_TRUE(sender.AwaitMore(10));
//   sender.Stop();
//   EXPECT_THAT(Lost(sender.accepted(), topology.Delivered(Signal::kLogs)), IsEmpty());
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/result.h"
#include "tests/integration/client.h"

namespace postern::integration {

// The ids of `accepted` that `delivered` lacks.
std::vector<std::string> Lost(const std::vector<std::string>& accepted,
                              const std::vector<std::string>& delivered);
// The ids that `delivered` holds more than once.
std::vector<std::string> Repeated(const std::vector<std::string>& delivered);

// What a sender sends.
struct Batches {
  std::uint32_t after = 0;       // the number before its first: senders at once need far ones
  std::size_t filler_bytes = 0;  // more text in each record
};

// Threads: loop.
class Sender {
 public:
  static constexpr std::size_t kRecords = 5;  // in a batch

  explicit Sender(std::uint16_t port, Batches batches = {})
      : client_(port), batches_(batches), seed_(batches.after) {}

  // Sends a batch until it is taken; the error is the last answer of one that was not.
  base::Status Send();
  // Sends a batch once: what a client sees that does not retry.
  base::Status SendOnce();

  // The ids of what was answered with OK.
  const std::vector<std::string>& accepted() const { return accepted_; }

 private:
  base::Status Note(const rpc::UnaryResult& result);
  std::string NextBatch();

  Client client_;
  const Batches batches_;
  std::uint32_t seed_;
  std::vector<std::string> accepted_;
};

// Threads: loop; its own thread sends.
class SteadySender {
 public:
  // How a batch is sent: until it is taken, or once, so that each refusal is seen.
  enum class Patience : std::uint8_t { kRetries, kOnce };

  explicit SteadySender(std::uint16_t port, Patience patience = Patience::kRetries,
                        Batches batches = {});
  ~SteadySender();

  // Waits until that many more batches were taken; false where kSoon is not enough.
  bool AwaitMore(int batches);
  // Ends after the batch under way.
  void Stop();
  // The ids of what was answered with OK. Requires Stop, as what follows does.
  const std::vector<std::string>& accepted() const { return sender_.accepted(); }
  // What was said to batches that were not taken.
  const std::vector<std::string>& refusals() const { return refusals_; }

 private:
  void Run();

  Sender sender_;
  const Patience patience_;
  std::vector<std::string> refusals_;
  std::atomic<int> taken_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace postern::integration
