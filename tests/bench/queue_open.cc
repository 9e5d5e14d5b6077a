// How long a store takes to open and how much memory that costs: records of 10 KiB are written
// through the real disk, and opened by a process of their own, so that nothing of the writing is
// counted.
//
//   bench_queue_open write FOLDER 1000000    # 10 GiB in 640 segments, never read and never removed
//   bench_queue_open open FOLDER             # prints one line; of an empty folder, what it costs
//   anyway
//
// The folder stays: whoever made it deletes it.
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/clock.h"
#include "lib/fs/posix_storage.h"
#include "lib/queue/log.h"

namespace postern {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{12} << 30;
constexpr std::size_t kBody = 10 * 1024;
constexpr int kInGroup = 100;  // a group is a sync

std::unique_ptr<queue::Log> Open(fs::Storage& storage, const std::string& folder,
                                 const base::Clock& clock) {
  auto log = queue::Log::Open(storage, {.folder = folder, .max_bytes = kMaxBytes}, clock);
  CHECK(log, log.error().message().c_str());
  return *std::move(log);
}

void Write(const std::string& folder, std::uint64_t records) {
  fs::PosixStorage storage;
  const base::SystemClock clock;
  const auto log = Open(storage, folder, clock);
  const base::Bytes body = base::Bytes::Copy(std::string(kBody, 'x'));
  const queue::Sender sender{.member = "bench.example", .store = {1}};
  for (std::uint64_t i = 1; i <= records; ++i) {
    const auto taken =
        log->Append({.hop = queue::Hop{.sender = sender, .sequence = i}, .head = {}, .body = body});
    CHECK(taken, taken.error().message().c_str());
    if (i % kInGroup != 0 && i != records) continue;
    const auto kept = log->Commit().records;
    CHECK(kept, kept.error().message().c_str());
  }
}

// In KiB, as the kernel says.
std::uint64_t RssAnon() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "RssAnon:") continue;
    std::uint64_t kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

void TimeOpening(const std::string& folder) {
  fs::PosixStorage storage;
  const base::SystemClock clock;
  const std::uint64_t before = RssAnon();
  const auto start = std::chrono::steady_clock::now();
  const auto log = Open(storage, folder, clock);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::cout << "opened " << log->segments() << " segments, " << (log->bytes() >> 20) << " MiB in "
            << taken.count() << " s; RssAnon grew by " << (RssAnon() - before) << " KiB\n";
}

int Run(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[1] : "";
  if (mode == "write" && argc == 4) {
    Write(argv[2], std::stoull(argv[3]));
  } else if (mode == "open" && argc == 3) {
    TimeOpening(argv[2]);
  } else {
    std::cerr << "usage: bench_queue_open write FOLDER RECORDS | bench_queue_open open FOLDER\n";
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace postern

int main(int argc, char** argv) { return postern::Run(argc, argv); }
