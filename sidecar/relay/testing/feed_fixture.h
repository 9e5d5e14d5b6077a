// A feed from a store on a faulty disk to a backend that a test plays.
//
//   MakeFeed();
//   Keep("1");
//   Sync();
//   backend_.AnswerNext({});
//
// Threads: loop.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sidecar/link/testing/script_sink.h"
#include "sidecar/relay/backend_feed.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::relay {

inline record::Answer Refusal(record::AnswerCode code) {
  return {.code = code, .message = "no", .response = {}};
}

class FeedFixture : public store::StoreFixture {
 protected:
  void SetUp() override {
    Open();
    OpenLetters();
  }

  void MakeFeed() {
    auto made = BackendFeed::Make({loop_, log_.logger(), relay_metrics_, registry_, *letters_},
                                  *store_, backend_, options_);
    ASSERT_TRUE(made);
    feed_ = *std::move(made);
    loop_.RunUntilIdle();
  }
  // The store and the feed as after a restart; the disk kept what was synced.
  void Restart() {
    feed_.reset();
    Open();
    MakeFeed();
  }
  // A child's record, kept and synced.
  void Keep(const std::string& body, const std::string& member = "a.example",
            record::Signal signal = record::Signal::kLogs, const std::string& tenant = "") {
    store::Store::Incoming incoming{
        .record = {.signal = signal,
                   .metadata = {},
                   .origin = {.member = member, .store = {}, .sequence = ++sequence_},
                   .body = base::Bytes::Copy(body)},
        .hop =
            store::Hop{.sender = {.member = member, .store = {1}}, .sequence = sequence_, .crc = 0},
        .on_kept = [](const base::Status&) {}};
    if (!tenant.empty()) incoming.record.metadata = {{"x-tenant", tenant}};
    ASSERT_TRUE(store_->Append(incoming));
  }
  std::vector<std::string> Delivered() const {
    std::vector<std::string> bodies;
    for (const record::RecordPtr& record : backend_.delivered()) {
      bodies.emplace_back(record->body.view());
    }
    return bodies;
  }

  record::MemoryBudget& budget() { return budget_; }
  link::ScriptSink backend_;
  RelayMetrics relay_metrics_{registry_};
  BackendFeed::Options options_{.backend = "collector"};
  std::uint64_t sequence_ = 0;
  std::unique_ptr<BackendFeed> feed_;

  ~FeedFixture() override { feed_.reset(); }
};

}  // namespace postern::relay
