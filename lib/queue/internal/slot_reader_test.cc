#include "lib/queue/internal/slot_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/testing/memory_storage.h"
#include "lib/queue/internal/slot_file.h"

namespace postern::queue::internal {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using base::Result;

constexpr std::size_t kSlot = 64;
constexpr SlotShape kShape{.slots = 2, .slot_size = kSlot};

class SlotReaderTest : public testing::Test {
 protected:
  // The file with these values, written and synced one after the other.
  void Write(const std::vector<std::string>& values) {
    auto slots = SlotFile::Open(*folder_, "slots", kShape);
    CHECK(slots, "a slot file opens");
    std::uint64_t generation = (*slots)->found_generation();
    for (const std::string& value : values) {
      CHECK((*slots)->Write(++generation, value) && (*slots)->Sync(), "there are no faults");
    }
  }
  void Spoil(std::size_t at) {
    const auto file = folder_->Open("slots");
    std::array<char, 1> byte{};
    CHECK(fs::ReadExactly(**file, at, byte), "the file is long enough");
    byte[0] ^= 1;
    const std::array<std::string_view, 1> slices{std::string_view(byte.data(), 1)};
    CHECK((*file)->WriteAt(at, slices), "there are no faults");
  }
  SlotsRead Read() {
    const auto reader = storage_.OpenToRead("folder");
    auto read = ReadSlots(**reader, "slots", kShape);
    CHECK(read, "the file can be read");
    return *std::move(read);
  }

  fs::MemoryStorage storage_;
  std::unique_ptr<fs::Folder> folder_ = *storage_.OpenFolder("folder");
};

TEST_F(SlotReaderTest, ReadsTheNewestValue) {
  Write({});
  EXPECT_EQ(Read().value, std::nullopt);
  EXPECT_TRUE(Read().blank);
  for (const char* value : {"one", "two", "three"}) {
    Write({value});
    EXPECT_EQ(Read().value, value);
    EXPECT_FALSE(Read().blank);
  }
}

TEST_F(SlotReaderTest, FallsBackToTheOtherSlotWhicheverByteIsSpoiled) {
  Write({"one", "two"});  // in slots 0 and 1
  for (std::size_t i = 0; i < 24 + 3; ++i) {
    SCOPED_TRACE(i);
    Spoil(kSlot + i);
    EXPECT_EQ(Read().value, "one");
    Spoil(kSlot + i);
  }
  EXPECT_EQ(Read().value, "two");
}

TEST_F(SlotReaderTest, HasNoValueWhereBothAreSpoiled) {
  Write({"one", "two"});
  Spoil(0);
  Spoil(kSlot);
  EXPECT_EQ(Read().value, std::nullopt);
  EXPECT_FALSE(Read().blank);
}

TEST_F(SlotReaderTest, TakesNothingFromAFileThatTheRelayWouldMakeAnew) {
  Write({"one"});
  ASSERT_THAT((*folder_->Open("slots"))->Shrink(2 * kSlot - 1), IsOk());
  EXPECT_EQ(Read().value, std::nullopt);
}

TEST_F(SlotReaderTest, SaysWhatIsMissing) {
  const auto reader = storage_.OpenToRead("folder");
  EXPECT_THAT(ReadSlots(**reader, "slots", kShape), HasCode(Code::kNotFound));
}

// Gives zeroes at first, as two slots do that are caught half written.
class LateFile final : public fs::File {
 public:
  LateFile(std::unique_ptr<const fs::File> file, int& late) : file_(std::move(file)), late_(late) {}
  const std::string& path() const override { return file_->path(); }
  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> into) const override {
    if (late_-- <= 0) return file_->ReadAt(offset, into);
    std::fill(into.begin(), into.end(), '\x55');
    return into.size();
  }
  Result<std::uint64_t> Size() const override { return file_->Size(); }
  Result<fs::FileId> Id() const override { return file_->Id(); }
  base::Status WriteAt(std::uint64_t, fs::Slices) override { return {}; }
  base::Status Append(fs::Slices) override { return {}; }
  base::Status Shrink(std::uint64_t) override { return {}; }
  base::Status Sync() override { return {}; }

 private:
  std::unique_ptr<const fs::File> file_;
  int& late_;
};

class LateFolder final : public fs::FolderReader {
 public:
  LateFolder(std::unique_ptr<fs::FolderReader> folder, int late)
      : folder_(std::move(folder)), late_(late) {}
  const std::string& path() const override { return folder_->path(); }
  Result<std::unique_ptr<const fs::File>> OpenToRead(const std::string& name) const override {
    ASSIGN_OR_RETURN(auto file, folder_->OpenToRead(name));
    return std::make_unique<const LateFile>(std::move(file), late_);
  }
  Result<fs::FileId> IdOf(const std::string& name) const override { return folder_->IdOf(name); }
  Result<std::vector<std::string>> List() const override { return folder_->List(); }

 private:
  std::unique_ptr<fs::FolderReader> folder_;
  mutable int late_;
};

TEST_F(SlotReaderTest, LooksAgainWhereBothAreBeingWritten) {
  Write({"one", "two"});
  const LateFolder late(*storage_.OpenToRead("folder"), 2);
  POSTERN_ASSERT_OK_AND_ASSIGN(const SlotsRead read, ReadSlots(late, "slots", kShape));
  EXPECT_EQ(read.value, "two");
}

}  // namespace
}  // namespace postern::queue::internal
