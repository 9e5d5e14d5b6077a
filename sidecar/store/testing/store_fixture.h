// A store on a faulty disk, and the short words for what tests do with one.
//
// Threads: loop.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/testing/held_worker.h"
#include "lib/base/testing/manual_loop.h"
#include "lib/fs/testing/faulty_storage.h"
#include "lib/log/testing/capture.h"
#include "lib/queue/offline.h"
#include "sidecar/record/record_codec.h"
#include "sidecar/store/dead_letters.h"
#include "sidecar/store/reader.h"
#include "sidecar/store/store.h"

namespace postern::store {

class StoreFixture : public testing::Test {
 protected:
  void Open() {
    store_.reset();
    auto store =
        Store::Open({loop_, worker_, cursor_worker_, disk_, budget_, log_.logger(), metrics_},
                    {.folder = "queue",
                     .max_bytes = max_bytes_,
                     .member = "gw1.example",
                     .max_age = max_age_,
                     .drop_oldest = drop_oldest_,
                     .needs = needs_});
    ASSERT_TRUE(store) << store.error();
    store_ = *std::move(store);
  }
  std::unique_ptr<Reader> MakeReader(const std::string& cursor = "uplink") {
    auto reader = Reader::Make(*store_, cursor);
    CHECK(reader, "there are few readers");
    return *std::move(reader);
  }
  // Appends a record of an own client; what it is told goes to answers_.
  base::Result<std::uint64_t> Append(std::string_view body) {
    budget_.Force(body.size());
    Store::Incoming incoming{
        .record = {.metadata = {}, .origin = {}, .body = base::Bytes::Copy(body)},
        .hop = hop_,
        .held = body.size(),
        .answered = answered_for_,
        .on_kept = [this](const base::Status& kept) { answers_.push_back(kept); }};
    auto sequence = store_->Append(incoming);
    if (!sequence) budget_.Give(body.size());
    return sequence;
  }
  void Sync() {
    do loop_.RunUntilIdle();
    while (worker_.RunOne() || cursor_worker_.RunOne() || letters_worker_.RunOne());
  }
  // Dead letters on a disk of their own, so that each disk fails by itself.
  void OpenLetters() {
    letters_.reset();
    letters_ = std::make_unique<DeadLetters>(
        StoreEnv{loop_, letters_worker_, cursor_worker_, letters_disk_, budget_, log_.logger(),
                 metrics_},
        DeadLetters::Options{.folder = "dead-letter", .max_bytes = std::uint64_t{4} << 20});
  }
  // What the folder holds, as people read it: "why|body" of each letter.
  static std::vector<std::string> LettersOn(fs::Storage& disk) {
    std::vector<std::string> letters;
    const auto folder = disk.OpenToRead("dead-letter");
    if (!folder) return letters;
    const auto damages = queue::ReadEntries(**folder, {}, [&](const queue::StoredEntry& entry) {
      const auto letter = record::ParseRecord(entry.body, {});
      CHECK(letter, "a letter is a record");
      const auto& metadata = letter->metadata;
      const bool told = !metadata.empty() && metadata.back().first == DeadLetters::kWhyName;
      letters.push_back((told ? metadata.back().second : "") + "|" +
                        std::string(letter->body.view()));
      return base::Status();
    });
    CHECK(damages && damages->empty(), "they are whole");
    return letters;
  }
  std::vector<std::string> Letters() { return LettersOn(letters_disk_); }
  // Appends each and syncs it by itself.
  void Commit(const std::vector<std::string>& bodies) {
    for (const std::string& body : bodies) {
      ASSERT_TRUE(Append(body));
      Sync();
    }
  }
  // The last sector of the newest segment cannot be read any more.
  void SpoilTail() {
    const auto folder = *disk_.OpenFolder("queue");
    auto names = *folder->List();
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".log"); });
    disk_.SpoilSector("queue", names.back(), *(*folder->Open(names.back()))->Size() - 1);
  }
  static std::vector<std::string> Read(Reader& reader) {
    std::vector<std::string> bodies;
    for (const Kept* kept = reader.Peek(); kept != nullptr; kept = reader.Peek()) {
      bodies.emplace_back(kept->record->body.view());
      reader.Next();
    }
    return bodies;
  }
  // What the folder's ledger holds: "reason reader records" of each entry.
  std::vector<std::string> Ledger() {
    const auto file = (*disk_.OpenFolder("queue"))->Open(std::string(queue::kLedgerName));
    CHECK(file, "the ledger is there");
    std::string bytes(queue::kLedgerBytes, '\0');
    CHECK(fs::ReadExactly(**file, 0, bytes), "it can be read");
    std::vector<std::string> lines;
    for (const queue::LedgerEntry& entry : queue::ParseLedger(bytes)) {
      lines.push_back(std::string(ReasonName(entry.reason)) + " " + entry.reader + " " +
                      std::to_string(entry.records));
    }
    return lines;
  }

  base::ManualLoop loop_;
  base::HeldWorker worker_;
  base::HeldWorker cursor_worker_;
  base::HeldWorker letters_worker_;
  fs::FaultyStorage disk_;
  fs::FaultyStorage letters_disk_;
  record::MemoryBudget budget_{std::uint64_t{1} << 20};
  log::Capture log_;
  metrics::Registry registry_{"test"};
  StoreMetrics metrics_{registry_};
  std::uint64_t max_bytes_ = std::uint64_t{16} << 20;
  std::optional<base::Duration> max_age_;
  bool drop_oldest_ = false;
  std::function<bool(const std::string&, const record::Record&)> needs_;
  std::optional<queue::Hop> hop_;
  bool answered_for_ = false;
  std::vector<base::Status> answers_;
  std::unique_ptr<DeadLetters> letters_;
  std::unique_ptr<Store> store_;
};

}  // namespace postern::store
