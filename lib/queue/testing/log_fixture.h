// A log on a faulty disk, and the short words for what tests do with one.
//
// Threads: loop.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/testing/fake_clock.h"
#include "lib/fs/testing/faulty_storage.h"
#include "lib/queue/log.h"
#include "lib/queue/log_reader.h"

namespace postern::queue {

inline const Sender kEast{.member = "east.example", .store = {1}};
inline const Sender kWest{.member = "west.example", .store = {2}};

inline Entry Own(std::string_view text) {
  return {.hop = std::nullopt, .head = {}, .body = base::Bytes::Copy(text)};
}
inline Entry From(const Sender& sender, std::uint64_t sequence, std::string_view text) {
  return {.hop = Hop{.sender = sender, .sequence = sequence, .crc = 7},
          .head = {},
          .body = base::Bytes::Copy(text)};
}

class LogFixture : public testing::Test {
 protected:
  // Closes the log, if it is open, and opens it again.
  base::Result<void> TryOpen() {
    log_.reset();
    auto log = Log::Open(disk_, options_, clock_);
    if (!log) return std::move(log).error();
    log_ = *std::move(log);
    return {};
  }
  void Open() {
    const auto opened = TryOpen();
    ASSERT_TRUE(opened) << opened.error();
  }
  // Appends and commits each text as a record and a group of its own.
  void Commit(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      ASSERT_TRUE(log_->Append(Own(text)));
      ASSERT_TRUE(log_->Commit().records);
    }
  }
  std::vector<StoredEntry> ReadAll(std::uint64_t after = 0) {
    LogReader reader(*log_);
    std::vector<StoredEntry> all;
    for (;;) {
      auto entries = reader.Read(after);
      CHECK(entries, "the log can be read");
      if (entries->empty()) return all;
      after = entries->back().sequence;
      all.insert(all.end(), entries->begin(), entries->end());
    }
  }
  std::vector<std::string> Texts(std::uint64_t after = 0) {
    std::vector<std::string> texts;
    for (const StoredEntry& entry : ReadAll(after)) texts.emplace_back(entry.body.view());
    return texts;
  }
  std::vector<std::string> FilesOf(FileKind kind) {
    auto names = (*disk_.OpenFolder(options_.folder))->List();
    CHECK(names, "the folder can be listed");
    std::erase_if(*names, [kind](const std::string& name) { return !PositionIn(name, kind); });
    return *names;
  }

  fs::FaultyStorage disk_;
  base::FakeClock clock_;
  LogOptions options_{.folder = "queue", .max_bytes = 64 * 1024, .segment_bytes = 2048};
  std::unique_ptr<Log> log_;
};

}  // namespace postern::queue
