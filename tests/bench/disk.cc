// bench_disk: what a folder's disk can do, for figures that rest on it to be read beside.
//
//   bench_disk FOLDER
//
// Prints one line, "P50 P99 RATE": milliseconds of an fdatasync after a write of 64 KiB into a file
// that was made at its full size, and MB/s of one large file, its sync included. Leaves nothing.
#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/check.h"
#include "lib/fs/posix_storage.h"

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
using postern::fs::File;
using postern::fs::Folder;

constexpr std::size_t kWrite = 64 * 1024;
constexpr int kSyncs = 300;
constexpr std::uint64_t kLarge = std::uint64_t{512} << 20;

std::unique_ptr<File> Make(Folder& folder, std::uint64_t size) {
  auto file = folder.Create("bench_disk", size);
  CHECK(file, file.error().message().c_str());
  CHECK(folder.Remove("bench_disk"), "a file that was made can be removed");
  return *std::move(file);
}

void Write(File& file, std::uint64_t offset, const std::string& bytes) {
  const std::array<std::string_view, 1> slices{bytes};
  CHECK(file.WriteAt(offset, slices), "the disk takes a write");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: bench_disk FOLDER\n";
    return 64;
  }
  postern::fs::PosixStorage storage;
  const auto folder = *storage.OpenFolder(argv[1]);
  const auto small = Make(*folder, kSyncs * kWrite);
  std::vector<double> syncs;
  for (int i = 0; i < kSyncs; ++i) {
    Write(*small, i * kWrite, std::string(kWrite, 'x'));
    const auto began = Clock::now();
    CHECK(small->Sync(), "the disk syncs");
    syncs.push_back(Milliseconds(Clock::now() - began).count());
  }
  std::sort(syncs.begin(), syncs.end());
  const auto large = Make(*folder, kLarge);
  const std::string chunk(std::size_t{4} << 20, 'x');
  const auto began = Clock::now();
  for (std::uint64_t at = 0; at < kLarge; at += chunk.size()) Write(*large, at, chunk);
  CHECK(large->Sync(), "the disk syncs");
  const std::chrono::duration<double> took = Clock::now() - began;
  std::cout << syncs[kSyncs / 2] << " " << syncs[kSyncs * 99 / 100] << " "
            << static_cast<double>(kLarge) / 1e6 / took.count() << "\n";
  return 0;
}
