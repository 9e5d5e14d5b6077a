#include "lib/queue/internal/salvage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/faulty_storage.h"

namespace postern::queue::internal {
namespace {

using base::Code;
using base::HasCode;
using fs::FaultyStorage;

constexpr std::size_t kSector = FaultyStorage::kSector;
constexpr std::size_t kBytes = 1 << 20;

class SalvageTest : public testing::Test {
 protected:
  SalvageTest() {
    for (std::size_t at = 0; at < kBytes; at += kSector) {
      bytes_ += std::string(kSector, static_cast<char>('a' + at / kSector % 26));
    }
    file_ = *folder_->Create("file", kBytes);
    const std::array<std::string_view, 1> slices{bytes_};
    EXPECT_TRUE(file_->WriteAt(0, slices));
  }
  void Spoil(std::size_t sector) {
    disk_.SpoilSector("queue", "file", sector * kSector);
    bytes_.replace(sector * kSector, kSector, std::string(kSector, '\0'));
  }

  FaultyStorage disk_;
  std::unique_ptr<fs::Folder> folder_ = *disk_.OpenFolder("queue");
  std::unique_ptr<fs::File> file_;
  std::string bytes_;
};

TEST_F(SalvageTest, ReadsAllButTheSectorsThatCannotBeRead) {
  for (const std::size_t sector : {0, 1, 700, 702, 2047}) Spoil(sector);
  EXPECT_TRUE(Salvage(*file_, 0, kBytes).value_or("") == bytes_);
  EXPECT_TRUE(Salvage(*file_, 700, 300'000).value_or("") == bytes_.substr(700, 300'000));
}

TEST_F(SalvageTest, DoesNotTryEverySectorOfADeadDevice) {
  for (std::size_t sector = 0; sector < kBytes / kSector; ++sector) Spoil(sector);
  EXPECT_THAT(Salvage(*file_, 0, kBytes), HasCode(Code::kUnavailable));
  EXPECT_LE(disk_.failed_reads(), 20);
}

TEST_F(SalvageTest, DoesNotTryEverySectorOfAFileThatIsMostlyBad) {
  for (std::size_t sector = 2; sector < 1500; sector += 2) Spoil(sector);
  const auto salvaged = Salvage(*file_, 0, kBytes);
  ASSERT_TRUE(salvaged);
  EXPECT_LE(disk_.failed_reads(), 120);
  EXPECT_TRUE(salvaged->starts_with(bytes_.substr(0, 2 * kSector)));
  EXPECT_TRUE(salvaged->ends_with(bytes_.substr(kBytes / 4 * 3))) << "what is whole";
}

}  // namespace
}  // namespace postern::queue::internal
