#include "lib/fs/posix_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"

namespace postern::fs {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;

class PosixStorageTest : public testing::Test {
 protected:
  PosixStorageTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-fs-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
    root_ = pattern;
  }
  ~PosixStorageTest() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<Folder> Open(const std::string& path) {
    auto folder = storage_.OpenFolder(path);
    CHECK(folder, "a folder can be opened");
    return *std::move(folder);
  }

  PosixStorage storage_;
  std::string root_;
};

// No file of this process grows beyond a size: how a disk that fills up in the middle of a write
// is had without one.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    CHECK(getrlimit(RLIMIT_FSIZE, &before_) == 0, "the kernel tells its limits");
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0, "a process may limit itself");
  }
  ~SizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(PosixStorageTest, TakesTheRoomOfANewFileAtOnce) {
  const auto file = Open(root_)->Create("a", 1 << 20);
  ASSERT_THAT(file, IsOk());
  struct stat status {};
  ASSERT_EQ(stat((root_ + "/a").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 1 << 20);
  EXPECT_EQ(status.st_mode & 0777U, 0640U & ~umask(umask(0)));
}

TEST_F(PosixStorageTest, LeavesNoFileWhereThereIsNoRoom) {
  const auto folder = Open(root_);
  const SizeLimit limit(4096);
  const auto file = folder->Create("a", 1 << 20);
  EXPECT_THAT(file, HasCode(Code::kExhausted));
  EXPECT_THAT(file, FailsWith("taking 1048576 bytes for " + root_ + "/a: "));
  EXPECT_THAT(*folder->List(), testing::ElementsAre());
}

TEST_F(PosixStorageTest, FailsWhereOnlyAPartOfAWriteFits) {
  const auto folder = Open(root_);
  const auto file = *folder->Create("a", 0);
  const SizeLimit limit(10);
  const std::array<std::string_view, 2> slices{"12345678", "abcdef"};
  EXPECT_THAT(file->WriteAt(0, slices), HasCode(Code::kExhausted));
  EXPECT_EQ(*file->Size(), 10U) << "the kernel took a part, and was asked again";
}

TEST_F(PosixStorageTest, NamesThePathAndTheCause) {
  const struct {
    const char* when;
    std::string path;
    Code code;
    std::string says;
  } kCases[] = {
      {"a file stands where a folder is needed", root_ + "/file/queue", Code::kInvalid,
       root_ + "/file/queue: Not a directory"},
      {"the path itself is a file", root_ + "/file", Code::kInvalid,
       root_ + "/file: Not a directory"},
      {"a name is longer than names may be", root_ + "/" + std::string(300, 'n'), Code::kInvalid,
       "File name too long"},
      {"a kernel's folder takes none of ours", "/proc/self/queue", Code::kNotFound,
       "making folder /proc/self/queue: "},
  };
  std::ofstream(root_ + "/file") << "text";
  for (const auto& c : kCases) {
    const auto folder = storage_.OpenFolder(c.path);
    EXPECT_THAT(folder, HasCode(c.code)) << c.when;
    EXPECT_THAT(folder, FailsWith(c.says)) << c.when;
  }
}

TEST_F(PosixStorageTest, OpensAFolderByARelativePathAndWithASlashBehind) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(root_);
  const auto folder = storage_.OpenFolder("b/queue/");
  std::filesystem::current_path(before);
  ASSERT_THAT(folder, IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(root_ + "/b/queue"));
  EXPECT_THAT((*folder)->Create("a", 0), IsOk()) << "wherever the process is by then";
}

TEST_F(PosixStorageTest, ListsFilesOnly) {
  std::filesystem::create_directory(root_ + "/lost+found");
  std::ofstream(root_ + "/a") << "text";
  EXPECT_THAT(*Open(root_)->List(), testing::ElementsAre("a"));
}

TEST_F(PosixStorageTest, RefusesToWriteToAFullDevice) {
  std::filesystem::create_symlink("/dev/full", root_ + "/full");
  auto file = Open(root_)->Open("full");
  ASSERT_THAT(file, IsOk());
  const std::array<std::string_view, 1> slices{"text"};
  EXPECT_THAT((*file)->WriteAt(0, slices), HasCode(Code::kExhausted));
  EXPECT_THAT((*file)->Sync(), testing::Not(IsOk())) << "a device that cannot sync says so";
}

TEST_F(PosixStorageTest, LosesItsLockWithItsProcess) {
  const auto folder = Open(root_);
  auto held = folder->Lock("lock");
  ASSERT_THAT(held, IsOk());
  held->reset();
  EXPECT_THAT(folder->Lock("lock"), IsOk()) << "a lock file that is left behind holds nobody up";
  EXPECT_TRUE(std::filesystem::exists(root_ + "/lock"));
}

TEST_F(PosixStorageTest, OpensAFileToReadWithoutTheRightToWrite) {
  ASSERT_THAT(Open(root_ + "/queue")->Create("a", 10), IsOk());
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto reader, storage_.OpenToRead(root_ + "/queue"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto file, reader->OpenToRead("a"));
  const std::array<std::string_view, 1> slices{"text"};
  EXPECT_FALSE(const_cast<File&>(*file).WriteAt(0, slices)) << "the kernel says no, too";
}

TEST_F(PosixStorageTest, WritesToWhatIsNoRegularFile) {
  const auto folder = Open(root_);
  std::filesystem::create_symlink("/dev/full", root_ + "/full");
  ASSERT_EQ(mkfifo((root_ + "/pipe").c_str(), 0600), 0);
  const std::array<std::string_view, 1> line{"line\n"};
  const auto full = *folder->Open("full");
  EXPECT_FALSE(full->Id()->regular);
  EXPECT_THAT(full->Append(line), FailsWith("No space left on device"));
  const auto pipe = *folder->Open("pipe");
  EXPECT_FALSE(folder->IdOf("pipe")->regular);
  EXPECT_EQ(*folder->IdOf("pipe"), *pipe->Id());
  ASSERT_THAT(pipe->Append(line), IsOk());
  EXPECT_EQ(std::ifstream(root_ + "/pipe").get(), 'l');
}

}  // namespace
}  // namespace postern::fs
