// What every Storage promises, held against the kernel's and the one in memory.
#include "lib/fs/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/posix_storage.h"
#include "lib/fs/testing/faulty_storage.h"
#include "lib/fs/testing/memory_storage.h"

namespace postern::fs {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;
using testing::ElementsAre;

enum class Kind { kPosix, kMemory, kFaulty };

std::unique_ptr<Storage> Make(Kind kind) {
  if (kind == Kind::kPosix) return std::make_unique<PosixStorage>();
  if (kind == Kind::kMemory) return std::make_unique<MemoryStorage>();
  return std::make_unique<FaultyStorage>();
}

class StorageContract : public testing::TestWithParam<Kind> {
 protected:
  StorageContract() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-fs-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
    root_ = pattern;
    auto folder = storage_->OpenFolder(root_ + "/a/queue");
    CHECK(folder, "a folder is made with those above it");
    folder_ = *std::move(folder);
  }
  ~StorageContract() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<File> Create(const std::string& name, std::uint64_t size) {
    auto file = folder_->Create(name, size);
    CHECK(file, "a file can be made");
    return *std::move(file);
  }
  static base::Status Write(File& file, std::uint64_t offset, std::string_view text) {
    const std::array slices{text};
    return file.WriteAt(offset, slices);
  }
  static std::string Read(const File& file, std::uint64_t offset, std::size_t size) {
    std::string text(size, '?');
    const auto got = file.ReadAt(offset, text);
    CHECK(got, "a file can be read");
    text.resize(*got);
    return text;
  }
  std::string Whole(const std::string& name) {
    auto file = folder_->Open(name);
    CHECK(file, "the file is there");
    return Read(**file, 0, 1000);
  }

  std::unique_ptr<Storage> storage_ = Make(GetParam());
  std::string root_;
  std::unique_ptr<Folder> folder_;
};

std::string NameOf(const testing::TestParamInfo<Kind>& made) {
  if (made.param == Kind::kPosix) return "Posix";
  return made.param == Kind::kMemory ? "Memory" : "Faulty";
}

INSTANTIATE_TEST_SUITE_P(All, StorageContract,
                         testing::Values(Kind::kPosix, Kind::kMemory, Kind::kFaulty), NameOf);

TEST_P(StorageContract, MakesAFileOfZeroes) {
  const auto file = Create("a", 5000);
  EXPECT_EQ(*file->Size(), 5000U);
  EXPECT_EQ(Read(*file, 0, 6000), std::string(5000, '\0'));
}

TEST_P(StorageContract, MakesNoFileOverAnother) {
  ASSERT_THAT(Write(*Create("a", 0), 0, "first"), IsOk());
  const auto again = folder_->Create("a", 10);
  EXPECT_THAT(again, HasCode(Code::kConflict));
  EXPECT_THAT(again, base::FailsWith(root_ + "/a/queue/a"));
  EXPECT_EQ(Whole("a"), "first");
}

TEST_P(StorageContract, OpensWhatIsThereOnly) {
  EXPECT_THAT(folder_->Open("a"), HasCode(Code::kNotFound));
  EXPECT_THAT(folder_->Open("a"), base::FailsWith(root_ + "/a/queue/a"));
  ASSERT_THAT(Write(*Create("a", 0), 0, "text"), IsOk());
  EXPECT_EQ(Whole("a"), "text");
}

TEST_P(StorageContract, WritesSlicesOneBehindTheOther) {
  const auto file = Create("a", 16);
  const std::array<std::string_view, 4> slices{"one", "", "two", "three"};
  ASSERT_THAT(file->WriteAt(2, slices), IsOk());
  EXPECT_EQ(Read(*file, 0, 16), std::string("\0\0onetwothree\0\0\0", 16));
  ASSERT_THAT(file->WriteAt(2, {}), IsOk());
  EXPECT_EQ(*file->Size(), 16U);
}

TEST_P(StorageContract, WritesMoreSlicesThanOneCallTakes) {
  const auto file = Create("a", 0);
  std::mt19937_64 random(7);
  std::vector<std::string> texts(3000);
  std::string whole;
  for (std::string& text : texts) {
    text.assign(random() % 5, static_cast<char>('a' + random() % 26));
    whole += text;
  }
  const std::vector<std::string_view> slices(texts.begin(), texts.end());
  ASSERT_THAT(file->WriteAt(1, slices), IsOk());
  EXPECT_EQ(Read(*file, 1, whole.size() + 1), whole);
}

TEST_P(StorageContract, GrowsAFileThatIsWrittenBeyondItsEnd) {
  const auto file = Create("a", 2);
  ASSERT_THAT(Write(*file, 4, "xy"), IsOk());
  EXPECT_EQ(Read(*file, 0, 9), std::string("\0\0\0\0xy", 6));
}

TEST_P(StorageContract, ReadsAsFarAsTheFileReaches) {
  const auto file = Create("a", 0);
  ASSERT_THAT(Write(*file, 0, "12345"), IsOk());
  EXPECT_EQ(Read(*file, 3, 10), "45");
  EXPECT_EQ(Read(*file, 5, 10), "");
  EXPECT_EQ(Read(*file, 99, 10), "");
  std::string text(3, '?');
  EXPECT_THAT(ReadExactly(*file, 2, text), IsOk());
  EXPECT_EQ(text, "345");
  EXPECT_THAT(ReadExactly(*file, 3, text), HasCode(Code::kCorrupt));
}

TEST_P(StorageContract, ShrinksAndNeverGrows) {
  const auto file = Create("a", 0);
  ASSERT_THAT(Write(*file, 0, "12345"), IsOk());
  ASSERT_THAT(file->Shrink(9), IsOk());
  EXPECT_EQ(*file->Size(), 5U);
  ASSERT_THAT(file->Shrink(2), IsOk());
  EXPECT_EQ(Read(*file, 0, 9), "12");
}

TEST_P(StorageContract, RenamesOverWhatIsThere) {
  ASSERT_THAT(Write(*Create("a", 0), 0, "old"), IsOk());
  const auto file = Create("b", 0);
  ASSERT_THAT(Write(*file, 0, "new"), IsOk());
  ASSERT_THAT(folder_->Rename("b", "a"), IsOk());
  EXPECT_EQ(Whole("a"), "new");
  EXPECT_THAT(folder_->Open("b"), HasCode(Code::kNotFound));
  EXPECT_THAT(folder_->Rename("b", "c"), HasCode(Code::kNotFound));
  ASSERT_THAT(Write(*file, 3, "er"), IsOk());
  EXPECT_EQ(Whole("a"), "newer") << "who has it open writes on";
}

TEST_P(StorageContract, KeepsARemovedFileForThoseWhoHaveItOpen) {
  const auto file = Create("a", 0);
  ASSERT_THAT(Write(*file, 0, "text"), IsOk());
  ASSERT_THAT(folder_->Remove("a"), IsOk());
  EXPECT_THAT(folder_->Open("a"), HasCode(Code::kNotFound));
  EXPECT_THAT(folder_->Remove("a"), HasCode(Code::kNotFound));
  EXPECT_EQ(Read(*file, 0, 9), "text");
  EXPECT_THAT(Write(*file, 4, "s"), IsOk());
}

TEST_P(StorageContract, ListsNamesInOrder) {
  EXPECT_THAT(*folder_->List(), ElementsAre());
  for (const char* name : {"b", "c", "a"}) Create(name, 0);
  ASSERT_THAT(folder_->Remove("c"), IsOk());
  EXPECT_THAT(*folder_->List(), ElementsAre("a", "b"));
}

TEST_P(StorageContract, AppendsBehindTheLastByteWhereverThatIs) {
  const auto file = Create("a", 0);
  const auto append = [&file](std::string_view one, std::string_view two) {
    const std::array slices{one, two};
    return file->Append(slices);
  };
  ASSERT_THAT(append("12", "345"), IsOk());
  ASSERT_THAT(append("6", "7"), IsOk());
  EXPECT_EQ(Whole("a"), "1234567");
  ASSERT_THAT((*folder_->Open("a"))->Shrink(2), IsOk());
  ASSERT_THAT(append("x", ""), IsOk());
  EXPECT_EQ(Whole("a"), "12x");
}

TEST_P(StorageContract, KnowsAFileWhateverItsName) {
  const auto file = Create("a", 0);
  POSTERN_ASSERT_OK_AND_ASSIGN(const FileId id, file->Id());
  EXPECT_TRUE(id.regular);
  EXPECT_EQ(*folder_->IdOf("a"), id);
  ASSERT_THAT(folder_->Rename("a", "b"), IsOk());
  Create("a", 0);
  EXPECT_EQ(*folder_->IdOf("b"), id);
  EXPECT_NE(*folder_->IdOf("a"), id);
  EXPECT_THAT(folder_->IdOf("c"), HasCode(Code::kNotFound));
}

TEST_P(StorageContract, SyncsFilesAndFolders) {
  const auto file = Create("a", 10);
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(folder_->Sync(), IsOk());
}

TEST_P(StorageContract, SeesOneFolderThroughEveryHandle) {
  Create("a", 0);
  const auto again = storage_->OpenFolder(root_ + "/a/queue");
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(*(*again)->List(), ElementsAre("a"));
}

TEST_P(StorageContract, OpensAFolderToReadAsItIs) {
  ASSERT_THAT(Write(*Create("b", 0), 0, "text"), IsOk());
  Create("a", 0);
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto reader, storage_->OpenToRead(root_ + "/a/queue"));
  EXPECT_EQ(reader->path(), root_ + "/a/queue");
  EXPECT_THAT(*reader->List(), ElementsAre("a", "b"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto file, reader->OpenToRead("b"));
  EXPECT_EQ(Read(*file, 0, 9), "text");
  EXPECT_EQ(*file->Size(), 4U);
  EXPECT_THAT(reader->OpenToRead("c"), HasCode(Code::kNotFound));
  EXPECT_THAT(reader->OpenToRead("c"), base::FailsWith(root_ + "/a/queue/c"));
  EXPECT_THAT(*reader->List(), ElementsAre("a", "b")) << "nothing is made by looking for it";
}

TEST_P(StorageContract, MakesNoFolderToReadIt) {
  const std::string missing = root_ + "/a/missing";
  EXPECT_THAT(storage_->OpenToRead(missing), HasCode(Code::kNotFound));
  EXPECT_THAT(storage_->OpenToRead(missing), base::FailsWith(missing));
  EXPECT_THAT(storage_->OpenToRead(missing), HasCode(Code::kNotFound)) << "still";
  EXPECT_FALSE(std::filesystem::exists(missing));
}

TEST_P(StorageContract, LocksOnceAtATime) {
  auto held = folder_->Lock("lock");
  ASSERT_THAT(held, IsOk());
  const auto other = storage_->OpenFolder(root_ + "/a/queue");
  EXPECT_THAT((*other)->Lock("lock"), HasCode(Code::kConflict));
  EXPECT_THAT((*other)->Lock("lock"), base::FailsWith(root_ + "/a/queue/lock"));
  held->reset();
  EXPECT_THAT((*other)->Lock("lock"), IsOk());
}

}  // namespace
}  // namespace postern::fs
