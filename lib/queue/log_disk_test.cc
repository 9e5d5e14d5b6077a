// The log on a real disk, with a thread of its own for what waits: as a relay runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/clock.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/posix_storage.h"
#include "lib/queue/log.h"
#include "lib/queue/log_reader.h"

namespace postern::queue {
namespace {

using base::IsOk;

class LogDisk : public testing::Test {
 protected:
  LogDisk() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-log-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
    root_ = pattern;
    options_.folder = root_ + "/queue";
  }
  ~LogDisk() override { std::filesystem::remove_all(root_); }

  void Open() {
    log_.reset();
    auto log = Log::Open(storage_, options_, clock_);
    ASSERT_THAT(log, IsOk());
    log_ = *std::move(log);
  }
  std::vector<std::string> Texts() {
    LogReader reader(*log_);
    std::vector<std::string> texts;
    for (std::uint64_t after = 0;;) {
      const auto entries = reader.Read(after);
      EXPECT_THAT(entries, IsOk());
      if (!entries || entries->empty()) return texts;
      for (const StoredEntry& entry : *entries) texts.emplace_back(entry.body.view());
      after = entries->back().sequence;
    }
  }

  fs::PosixStorage storage_;
  base::SystemClock clock_;
  std::string root_;
  LogOptions options_{.folder = {}, .max_bytes = 4 << 20, .segment_bytes = 64 * 1024};
  std::unique_ptr<Log> log_;
};

TEST_F(LogDisk, TakesReadsAndRemovesWhileTheDiskIsBusy) {
  Open();
  ASSERT_THAT(log_->AddCursor("uplink"), IsOk());
  LogReader reader(*log_);
  std::vector<std::string> appended;
  std::vector<std::string> read;
  std::uint64_t after = 0;
  std::size_t most_segments = 0;
  while (read.size() < 500) {
    std::optional<Work> work = log_->Collect();
    std::future<Done> done;
    if (work) {
      done = std::async(std::launch::async,
                        [this, &work] { return log_->writer().Do(*std::move(work)); });
    }
    // Meanwhile, on this thread:
    for (int i = 0; i < 7 && appended.size() < 500; ++i) {
      appended.push_back(std::to_string(appended.size()) + std::string(2000, '.'));
      ASSERT_THAT(log_->Append({std::nullopt, "", base::Bytes::Copy(appended.back())}), IsOk());
    }
    POSTERN_ASSERT_OK_AND_ASSIGN(const auto entries, reader.Read(after));
    for (const StoredEntry& entry : entries) read.emplace_back(entry.body.view());
    if (!entries.empty()) {
      ASSERT_THAT(log_->MarkDone("uplink", after, entries.back().sequence), IsOk());
      after = entries.back().sequence;
    }
    if (!work) continue;
    const Applied applied = log_->Apply(done.get());
    ASSERT_THAT(applied.records, IsOk());
    ASSERT_THAT(applied.cursors, IsOk());
    ASSERT_THAT(applied.checkpoint, IsOk());
    most_segments = std::max(most_segments, log_->segments());
  }
  EXPECT_EQ(read, appended);
  EXPECT_THAT(reader.TakeDamages(), testing::IsEmpty());
  EXPECT_LT(most_segments, 8U) << "of sixteen that were written";
}

TEST_F(LogDisk, IsThereAgainAndOpenOnce) {
  Open();
  const StoreId store = log_->store();
  for (const char* text : {"one", "two"}) {
    ASSERT_THAT(log_->Append({std::nullopt, "", base::Bytes::Copy(text)}), IsOk());
    ASSERT_THAT(log_->Commit().records, IsOk());
  }
  EXPECT_THAT(Log::Open(storage_, options_, clock_), base::HasCode(base::Code::kConflict));
  Open();
  EXPECT_EQ(log_->store(), store);
  EXPECT_THAT(Texts(), testing::ElementsAre("one", "two"));
}

TEST_F(LogDisk, SaysWhichFolderItCannotOpen) {
  options_.folder = "/proc/self/queue";
  EXPECT_THAT(Log::Open(storage_, options_, clock_),
              base::FailsWith("opening queue /proc/self/queue: making folder /proc/self/queue: "));
}

}  // namespace
}  // namespace postern::queue
