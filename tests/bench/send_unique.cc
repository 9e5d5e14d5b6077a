// bench_send_unique: sends log exports that are all different, at a fixed rate: what a compressor
// is measured with.
//
//   bench_send_unique ENDPOINT RECORDS RATE SECONDS
//   bench_send_unique http://127.0.0.1:4317 10 200 10     10 records in each of 2,000 exports
//
// Prints one line, "EXPORTS OK BYTES": sent, answered with OK, and the size of all bodies. Exit
// code 1 where an export was refused or not answered within 10 s; the first reason goes to standard
// error.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "lib/base/bytes.h"
#include "lib/base/mutex.h"
#include "lib/otlp/testing/sample.h"
#include "lib/rpc/unary_channel.h"

namespace {

using namespace std::chrono_literals;
using postern::base::Bytes;
using postern::rpc::UnaryChannel;
using postern::rpc::UnaryResult;

constexpr const char* kExport = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr auto kAnswerBound = 10s;

// What became of the exports. Threads: any.
class Tally {
 public:
  void Add(const UnaryResult& result) {
    postern::base::MutexLock lock(mutex_);
    if (result.grpc_code == 0) {
      ++ok_;
    } else if (first_failure_.empty()) {
      first_failure_ = std::to_string(result.grpc_code) + " " + result.message;
    }
    ++answered_;
  }
  std::uint64_t answered() const {
    postern::base::MutexLock lock(mutex_);
    return answered_;
  }
  std::uint64_t ok() const {
    postern::base::MutexLock lock(mutex_);
    return ok_;
  }
  std::string first_failure() const {
    postern::base::MutexLock lock(mutex_);
    return first_failure_;
  }

 private:
  mutable postern::base::Mutex mutex_;
  std::uint64_t answered_ GUARDED_BY(mutex_) = 0;
  std::uint64_t ok_ GUARDED_BY(mutex_) = 0;
  std::string first_failure_ GUARDED_BY(mutex_);
};

struct Plan {
  std::string endpoint;
  std::size_t records = 0;
  std::uint32_t rate = 0;
  std::uint32_t seconds = 0;
  std::uint32_t exports() const { return rate * seconds; }
};

// Returns the bytes of all bodies. Keeps to the clock: an export that is late is sent at once.
std::uint64_t SendAll(UnaryChannel& channel, const Plan& plan, Tally& tally) {
  std::uint64_t bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t n = 0; n < plan.exports(); ++n) {
    const std::string body = postern::otlp::MakeExport(postern::otlp::Signal::kLogs,
                                                       {.records = plan.records, .seed = n + 1});
    bytes += body.size();
    std::this_thread::sleep_until(start + n * (1'000'000'000ns / plan.rate));
    channel.Call(kExport, Bytes::Copy(body), {}, kAnswerBound,
                 [&tally](const UnaryResult& result) { tally.Add(result); });
  }
  return bytes;
}

// Every call is answered in the end, at the latest by its own deadline.
void AwaitAnswers(const Tally& tally, std::uint64_t exports) {
  while (tally.answered() < exports) std::this_thread::sleep_for(5ms);
}

std::uint32_t Number(const char* text) {
  return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  if (argc == 5) {
    plan = {.endpoint = argv[1],
            .records = Number(argv[2]),
            .rate = Number(argv[3]),
            .seconds = Number(argv[4])};
  }
  if (plan.records == 0 || plan.exports() == 0) {
    std::cerr << "usage: bench_send_unique ENDPOINT RECORDS RATE SECONDS\n";
    return 64;
  }
  Tally tally;
  const auto channel = UnaryChannel::Open({.endpoint = plan.endpoint});
  if (!channel) {
    std::cerr << channel.error().message() << "\n";
    return 1;
  }
  const std::uint64_t bytes = SendAll(**channel, plan, tally);
  AwaitAnswers(tally, plan.exports());
  std::cout << plan.exports() << " " << tally.ok() << " " << bytes << "\n";
  if (tally.ok() == plan.exports()) return 0;
  std::cerr << "first failure: " << tally.first_failure() << "\n";
  return 1;
}
