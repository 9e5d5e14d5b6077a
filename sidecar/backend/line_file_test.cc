#include "sidecar/backend/line_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "lib/base/testing/fake_clock.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/posix_storage.h"
#include "sidecar/backend/testing/temp_folder.h"

namespace postern::backend {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;
using ::testing::AllOf;
using namespace std::chrono_literals;

struct LineFileTest : ::testing::Test {
  static base::Status AppendTo(LineFile& file, std::string_view lines, base::Instant now) {
    RETURN_IF_ERROR(file.Open(now));
    return file.Append(lines, file.progress());
  }
  base::Status Append(std::string_view lines) { return AppendTo(file, lines, clock.Now()); }

  TempFolder folder;
  std::string path = folder.File("logs.jsonl");
  fs::PosixStorage storage;
  LineFile file{storage, folder.path(), "logs"};
  base::FakeClock clock;
};

// A disk with room for `bytes` of one file; writes beyond it fail with EFBIG.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(LineFileTest, AppendsToWhatIsThere) {
  WriteFile(path, "old\n");
  ASSERT_THAT(Append("a\nb\n"), IsOk());
  ASSERT_THAT(Append("c\n"), IsOk());
  EXPECT_EQ(ReadFile(path), "old\na\nb\nc\n");
}

TEST_F(LineFileTest, CutsATornLastLineWhenItOpens) {
  const struct {
    const char* when;
    std::string before;
    std::string then;
  } kCases[] = {
      {"a crash left half a line", "whole\n{\"torn\":", "whole\nnew\n"},
      {"there is only half a line", "{\"torn\":", "new\n"},
      {"the torn line is longer than a block", "whole\n" + std::string(200'000, 'x'),
       "whole\nnew\n"},
      {"the last end of line is the last byte of a block", "whole\n" + std::string(65'536, 'x'),
       "whole\nnew\n"},
      {"nothing is torn", "a\nb\n", "a\nb\nnew\n"},
      {"the file is empty", "", "new\n"},
  };
  for (const auto& row : kCases) {
    WriteFile(path, row.before);
    LineFile opened(storage, folder.path(), "logs");
    ASSERT_THAT(AppendTo(opened, "new\n", clock.Now()), IsOk()) << row.when;
    EXPECT_EQ(ReadFile(path), row.then) << row.when;
  }
}

TEST_F(LineFileTest, FollowsARotationWithinASecond) {
  ASSERT_THAT(Append("a\n"), IsOk());
  std::filesystem::rename(path, folder.File("logs.jsonl.1"));
  ASSERT_THAT(Append("b\n"), IsOk());
  clock.Advance(1s);
  ASSERT_THAT(Append("c\n"), IsOk());
  EXPECT_EQ(ReadFile(folder.File("logs.jsonl.1")), "a\nb\n");
  EXPECT_EQ(ReadFile(path), "c\n");
}

TEST_F(LineFileTest, FollowsAFileThatWasReplaced) {
  ASSERT_THAT(Append("a\n"), IsOk());
  WriteFile(folder.File("new"), "n\n");
  std::filesystem::rename(folder.File("new"), path);
  clock.Advance(1s);
  ASSERT_THAT(Append("b\n"), IsOk());
  EXPECT_EQ(ReadFile(path), "n\nb\n");
}

TEST_F(LineFileTest, GoesOnInAFileThatWasCopiedAndCut) {
  ASSERT_THAT(Append("a\n"), IsOk());
  std::filesystem::resize_file(path, 0);
  ASSERT_THAT(Append("b\n"), IsOk());
  EXPECT_EQ(ReadFile(path), "b\n");
}

TEST_F(LineFileTest, LeavesNoPartOfALineOnAFullDisk) {
  ASSERT_THAT(Append("first\n"), IsOk());
  {
    const FileSizeLimit limit(20'000);
    EXPECT_THAT(Append(std::string(30'000, 'x') + "\n"),
                AllOf(HasCode(Code::kUnavailable), FailsWith("writing " + path + ": ")));
    EXPECT_EQ(ReadFile(path), "first\n");
    EXPECT_THAT(Append("fits\n"), IsOk());
  }
  EXPECT_THAT(Append(std::string(30'000, 'y') + "\n"), IsOk()) << "the disk has room again";
  EXPECT_EQ(ReadFile(path), "first\nfits\n" + std::string(30'000, 'y') + "\n");
}

TEST_F(LineFileTest, SaysThatNoSpaceIsLeft) {
  std::filesystem::create_symlink("/dev/full", path);
  EXPECT_THAT(Append("a\n"),
              AllOf(HasCode(Code::kUnavailable), FailsWith("No space left on device")));
}

TEST_F(LineFileTest, RefusesWhereTheFolderIsGoneAndGoesOnWhenItIsBack) {
  ASSERT_THAT(Append("a\n"), IsOk());
  std::filesystem::remove_all(folder.path());
  clock.Advance(1s);
  EXPECT_THAT(Append("b\n"),
              AllOf(HasCode(Code::kUnavailable), FailsWith("opening " + folder.path())));
  std::filesystem::create_directory(folder.path());
  EXPECT_THAT(Append("c\n"), IsOk());
  EXPECT_EQ(ReadFile(path), "c\n");
}

TEST_F(LineFileTest, RefusesAFileThatAnotherWriterHas) {
  ASSERT_THAT(Append("a\n"), IsOk());
  LineFile second(storage, folder.path(), "logs");
  EXPECT_THAT(second.Open(clock.Now()), FailsWith("locking " + folder.File(".logs.state")));
  EXPECT_EQ(ReadFile(path), "a\n");
}

TEST_F(LineFileTest, RefusesAFolderOfThatName) {
  std::filesystem::create_directory(path);
  EXPECT_THAT(Append("a\n"), HasCode(Code::kUnavailable));
}

}  // namespace
}  // namespace postern::backend
