// A store, a feed and a file backend on one disk that loses power, fails and is killed upon: what
// was kept is in the file, once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>

#include "lib/base/testing/held_worker.h"
#include "lib/otlp/testing/sample.h"
#include "sidecar/backend/file_backend.h"
#include "sidecar/relay/run_feed.h"
#include "sidecar/store/testing/store_fixture.h"

namespace postern::app {
namespace {

using fs::Unsynced;
using record::Signal;
using std::chrono::seconds;

class FileDelivery : public store::StoreFixture {
 protected:
  ~FileDelivery() override { End(); }

  // A process that begins; false where the disk does not let it.
  bool Start() {
    auto store = store::Store::Open(
        {loop_, worker_, cursor_worker_, disk_, budget_, log_.logger(), metrics_},
        {.folder = "queue", .member = "ms1.example"});
    if (!store) return false;
    store_ = *std::move(store);
    letters_ = std::make_unique<store::DeadLetters>(
        store::StoreEnv{loop_, worker_, cursor_worker_, disk_, budget_, log_.logger(), metrics_},
        store::DeadLetters::Options{.folder = "dead-letter"});
    figures_.emplace("test");
    file_worker_.emplace();
    auto backend =
        backend::FileBackend::Open({.name = "local"}, {.folder = "out"}, {disk_, *file_worker_},
                                   {loop_, log_.logger(), *figures_});
    if (!backend) return false;
    backend_ = *std::move(backend);
    auto feed = relay::RunFeed::Make({loop_, log_.logger(), relay_metrics_, *figures_, *letters_},
                                     *store_, *backend_, {.backend = "local", .most_records = 5});
    if (!feed) return false;
    feed_ = *std::move(feed);
    return true;
  }
  // A process that ends: whatever it still does finds a dead disk.
  void Kill() {
    disk_.KillProcess();
    End();
  }
  void End() {
    feed_.reset();
    backend_.reset();
    letters_.reset();
    store_.reset();
    file_worker_.reset();
  }
  void PowerOn(std::uint64_t seed) {
    End();
    disk_.PowerOn(seed % 4 == 0 ? Unsynced::kLost : Unsynced::kTorn, seed);
    ASSERT_TRUE(Start());
  }

  // Takes a record in: an export, now and then one of another signal or a body that is none.
  void Keep(std::size_t kind) {
    const std::uint32_t seed = ++seed_;
    const bool bad = kind == 0;
    const Signal signal = kind == 1 ? Signal::kMetrics : Signal::kLogs;
    const std::string body = bad ? "\xff no export " + std::to_string(seed)
                                 : MakeExport(otlp::Signal::kLogs, {.records = 1, .seed = seed});
    store::Store::Incoming incoming{
        .record = {.signal = signal, .metadata = {}, .origin = {}, .body = base::Bytes::Copy(body)},
        .hop = {},
        .on_kept = [this, seed, bad, signal, body](const base::Status& kept) {
          if (!kept || signal != Signal::kLogs) return;
          if (bad) return bad_kept_.push_back(body);
          kept_.push_back(otlp::SampleIds({.records = 1, .seed = seed}).front());
        }};
    (void)store_->Append(incoming);
  }
  void Step(std::mt19937& random) {
    switch (random() % 12) {
      case 0:
      case 1:
      case 2:
      case 3: return Keep(random() % 8);
      case 4:
      case 5:
      case 6: return Sync();
      case 7:
      case 8:
        if (file_worker_->RunOne()) loop_.RunUntilIdle();
        return;
      case 9: return loop_.Advance(seconds(6));
      case 10: return disk_.FailSyncs(1, random() % 2 == 0 ? "logs.jsonl" : ".logs.state");
      default: Kill(); (void)Start();
    }
  }
  void Drain() {
    disk_.FailSyncs(0);
    for (int turn = 0; turn < 200 && !(turn > 2 && feed_->empty()); ++turn) {
      Sync();
      while (file_worker_->RunOne()) loop_.RunUntilIdle();
      loop_.Advance(seconds(6));
    }
    Sync();  // the cursor and the ledger
  }
  std::vector<std::string> Delivered() {
    const auto file = (*disk_.OpenFolder("out"))->Open("logs.jsonl");
    std::string text(*(*file)->Size(), '?');
    CHECK(fs::ReadExactly(**file, 0, text), "a file can be read");
    std::istringstream in(text);
    std::vector<std::string> ids;
    for (std::string line; std::getline(in, line);) {
      for (std::string& id : otlp::RecordIdsOfJson(otlp::Signal::kLogs, line)) ids.push_back(id);
    }
    return ids;
  }
  std::size_t Rejected() {
    std::size_t records = 0;
    for (const std::string& line : Ledger()) {
      if (line.starts_with("rejected local/logs ")) records += std::stoul(line.substr(20));
    }
    return records;
  }
  void ExpectEverythingOnce() {
    ASSERT_TRUE(feed_->empty());
    std::map<std::string, int> times;
    for (const std::string& id : Delivered()) ++times[id];
    for (const std::string& id : kept_) EXPECT_EQ(times[id], 1) << id << " was kept";
    for (const auto& [id, count] : times) EXPECT_EQ(count, 1) << id;
    EXPECT_GE(Rejected(), bad_kept_.size());
    std::set<std::string> letters;
    for (const std::string& letter : LettersOn(disk_)) {
      letters.insert(letter.substr(letter.find('|') + 1));
    }
    for (const std::string& body : bad_kept_) EXPECT_EQ(letters.count(body), 1U) << body;
  }

  relay::RelayMetrics relay_metrics_{registry_};
  std::optional<metrics::Registry> figures_;
  std::optional<base::HeldWorker> file_worker_;
  std::unique_ptr<backend::FileBackend> backend_;
  std::unique_ptr<relay::RunFeed> feed_;
  std::uint32_t seed_ = 0;
  std::vector<std::string> kept_;
  std::vector<std::string> bad_kept_;  // their bodies
};

TEST_F(FileDelivery, LosesAndRepeatsNothingOverKillsFaultsAndPowerCuts) {
  std::size_t kept = 0;
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    End();
    disk_ = fs::FaultyStorage();
    kept_.clear();
    bad_kept_.clear();
    ASSERT_TRUE(Start());
    for (int life = 0; life < 3; ++life) {
      // About half of the changes are the dead letters', whose log is opened in each life.
      disk_.CutPowerAt(static_cast<int>(1 + random() % 240));
      for (int step = 0; step < 120 && disk_.power(); ++step) {
        if (feed_ == nullptr) break;
        Step(random);
      }
      ASSERT_NO_FATAL_FAILURE(PowerOn(seed));
    }
    Drain();
    ASSERT_NO_FATAL_FAILURE(ExpectEverythingOnce());
    if (HasFailure()) return;
    kept += kept_.size();
  }
  EXPECT_GT(kept, 400U) << "the disk worked most of the time";
}

}  // namespace
}  // namespace postern::app
