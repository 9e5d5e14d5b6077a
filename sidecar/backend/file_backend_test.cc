#include "sidecar/backend/file_backend.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <sstream>
#include <thread>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/posix_storage.h"
#include "lib/otlp/testing/sample.h"
#include "sidecar/backend/testing/bench.h"
#include "sidecar/backend/testing/temp_folder.h"

namespace postern::backend {
namespace {

using base::Code;
using base::HasCode;
using record::Answer;
using record::AnswerCode;
using record::Signal;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

otlp::Signal OtlpSignal(Signal signal) { return static_cast<otlp::Signal>(signal); }

record::RecordPtr MakeExportRecord(Signal signal, std::uint32_t seed, std::size_t filler = 0) {
  return MakeRecord(
      otlp::MakeExport(OtlpSignal(signal), {.records = 2, .seed = seed, .filler_bytes = filler}),
      signal);
}

std::vector<std::string> Lines(const std::string& path) {
  std::istringstream file(ReadFile(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

struct FileBackendTest : ::testing::Test {
  std::unique_ptr<FileBackend> Open(std::size_t queue_bytes = std::size_t{32} << 20) {
    auto backend = FileBackend::Open({.name = "local"}, {.folder = out, .queue_bytes = queue_bytes},
                                     {storage, worker}, bench.env());
    CHECK(backend.has_value(), "a temporary folder can be made");
    return *std::move(backend);
  }

  TempFolder folder;
  std::string out = folder.File("state/delivered");
  std::string logs = out + "/logs.jsonl";
  Bench bench;
  fs::PosixStorage storage;
  base::WorkerThread worker{bench.loop()};
};

TEST_F(FileBackendTest, WritesALineForEachExportIntoTheFileOfItsSignal) {
  const auto backend = Open();
  for (const Signal signal : record::kSignals) {
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
      backend->Deliver(MakeExportRecord(signal, seed), bench.In(10s), bench.Taker());
    }
  }
  for (const Answer& answer : bench.Await(9)) EXPECT_EQ(answer, Answer());
  for (const Signal signal : record::kSignals) {
    const auto lines = Lines(out + "/" + std::string(record::SignalName(signal)) + ".jsonl");
    ASSERT_THAT(lines, SizeIs(3));
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
      EXPECT_EQ(otlp::RecordIdsOfJson(OtlpSignal(signal), lines[seed - 1]),
                otlp::SampleIds({.records = 2, .seed = seed}));
    }
  }
  EXPECT_THAT(bench.Scrape(),
              AllOf(HasSubstr(R"(delivered_records_total{backend="local",signal="traces"} 3)"),
                    HasSubstr(R"(in_flight_requests{backend="local"} 0)")));
}

TEST_F(FileBackendTest, KeepsOrderOverManyWrites) {
  const auto backend = Open();
  constexpr std::uint32_t kCount = 200;
  for (std::uint32_t seed = 0; seed < kCount; ++seed) {
    backend->Deliver(MakeExportRecord(Signal::kLogs, seed, 20'000), bench.In(20s), bench.Taker());
    if (seed % 50 == 0) bench.Await(seed / 2);
  }
  ASSERT_THAT(bench.Await(kCount), SizeIs(kCount));
  const auto lines = Lines(logs);
  ASSERT_THAT(lines, SizeIs(kCount));
  for (std::uint32_t seed = 0; seed < kCount; ++seed) {
    EXPECT_EQ(otlp::RecordIdsOfJson(otlp::Signal::kLogs, lines[seed]),
              otlp::SampleIds({.records = 2, .seed = seed}));
  }
}

TEST_F(FileBackendTest, RefusesABodyThatIsNoExportAndWritesItsNeighbours) {
  const auto backend = Open();
  backend->Deliver(MakeExportRecord(Signal::kLogs, 1), bench.In(10s), bench.Taker());
  backend->Deliver(MakeRecord("\xff no protobuf"), bench.In(10s), bench.Taker());
  backend->Deliver(MakeExportRecord(Signal::kLogs, 2), bench.In(10s), bench.Taker());
  const auto& answers = bench.Await(3);
  EXPECT_TRUE(answers[0].ok());
  EXPECT_EQ(answers[1].code, AnswerCode::kInvalidArgument);
  EXPECT_THAT(answers[1].message, HasSubstr("backend local: "));
  EXPECT_TRUE(answers[2].ok());
  EXPECT_THAT(Lines(logs), SizeIs(2));
}

TEST_F(FileBackendTest, TellsAFullDiskAndLeavesOtherSignalsAlone) {
  std::filesystem::create_directories(out);
  std::filesystem::create_symlink("/dev/full", logs);
  const auto backend = Open();
  backend->Deliver(MakeExportRecord(Signal::kLogs, 1), bench.In(10s), bench.Taker());
  backend->Deliver(MakeExportRecord(Signal::kTraces, 1), bench.In(10s), bench.Taker());
  const auto& answers = bench.Await(2);
  EXPECT_EQ(answers[0].code, AnswerCode::kUnavailable);
  EXPECT_THAT(answers[0].message, AllOf(HasSubstr(logs), HasSubstr("No space left on device")));
  EXPECT_GT(answers[0].retry_after, 0s);
  EXPECT_TRUE(answers[1].ok());
}

TEST_F(FileBackendTest, RefusesWhereTheFolderIsGone) {
  const auto backend = Open();
  std::filesystem::remove_all(out);
  backend->Deliver(MakeExportRecord(Signal::kLogs, 1), bench.In(10s), bench.Taker());
  EXPECT_EQ(bench.Await(1)[0].code, AnswerCode::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(out)) << "it may be a volume that is not mounted";
}

TEST_F(FileBackendTest, SaysWhichFolderItCannotMake) {
  WriteFile(folder.File("state"), "a file in the way");
  const auto backend =
      FileBackend::Open({.name = "local"}, {.folder = out}, {storage, worker}, bench.env());
  EXPECT_THAT(backend, AllOf(HasCode(Code::kUnavailable), base::FailsWith(out)));
}

TEST_F(FileBackendTest, WritesNothingAfterTheDeadline) {
  const auto backend = Open();
  backend->Deliver(MakeExportRecord(Signal::kLogs, 1), bench.In(-1ms), bench.Taker());
  ASSERT_THAT(bench.answers(), SizeIs(1)) << "at once";
  EXPECT_THAT(bench.answers()[0].message, HasSubstr("not written"));
}

// The runs of one store, answered one by one.
struct RunTest : FileBackendTest {
  static constexpr record::StoreId kStore = {4, 2};

  // Begins with the record of that sequence; a seed of 0 is a body that is no export.
  record::RunPtr RunOf(std::uint64_t first, const std::vector<std::uint32_t>& seeds,
                       std::uint64_t opened_through = 0) {
    record::Run run{.store = kStore, .opened_through = opened_through, .records = {}};
    for (const std::uint32_t seed : seeds) {
      const record::RecordPtr record =
          seed == 0 ? MakeRecord("\xff no protobuf") : MakeExportRecord(Signal::kLogs, seed);
      run.records.push_back({.sequence = first++, .record = record});
    }
    return std::make_shared<const record::Run>(std::move(run));
  }
  record::RunAnswer Take(FileBackend& backend, const record::RunPtr& run) {
    std::optional<record::RunAnswer> answer;
    backend.Take(run, [&answer](record::RunAnswer told) { answer = std::move(told); });
    const base::Instant end = bench.In(20s);
    while (!answer && bench.In(0s) < end) bench.loop().RunOnce(50ms);
    CHECK(answer, "a run is answered");
    return *answer;
  }
  // The seeds of the lines that are there.
  std::vector<std::uint32_t> Written() {
    std::vector<std::uint32_t> seeds;
    for (const std::string& line : Lines(logs)) {
      for (std::uint32_t seed = 1; seed < 100; ++seed) {
        const auto ids = otlp::SampleIds({.records = 2, .seed = seed});
        if (otlp::RecordIdsOfJson(otlp::Signal::kLogs, line) == ids) seeds.push_back(seed);
      }
    }
    return seeds;
  }
};

TEST_F(RunTest, WritesAllButWhatIsNoExportAndSaysWhichThatIs) {
  const auto backend = Open();
  const record::RunAnswer answer = Take(*backend, RunOf(1, {0, 1, 0, 2}));
  EXPECT_TRUE(answer.whole.ok());
  ASSERT_THAT(answer.rejected, SizeIs(2));
  EXPECT_EQ(answer.rejected[0].index, 0U);
  EXPECT_EQ(answer.rejected[1].index, 2U);
  EXPECT_EQ(answer.rejected[1].answer.code, AnswerCode::kInvalidArgument);
  EXPECT_THAT(Written(), ElementsAre(1, 2));
  EXPECT_THAT(bench.Scrape(),
              AllOf(HasSubstr(R"(delivered_records_total{backend="local",signal="logs"} 2)"),
                    HasSubstr(R"(in_flight_requests{backend="local"} 0)")));
}

TEST_F(RunTest, WritesNothingTwiceAndJudgesItAgainAllTheSame) {
  Take(*Open(), RunOf(1, {1, 0, 2}));
  const auto backend = Open();
  const record::RunAnswer answer = Take(*backend, RunOf(1, {1, 0, 2, 3, 0}, 3));
  EXPECT_TRUE(answer.whole.ok());
  ASSERT_THAT(answer.rejected, SizeIs(2)) << "whoever asks has not written it down yet";
  EXPECT_EQ(answer.rejected[0].index, 1U);
  EXPECT_THAT(Written(), ElementsAre(1, 2, 3));
}

TEST_F(RunTest, TakesWhatIsNewForNewWhereTheStoreIsAnOlderCopyOfItself) {
  Take(*Open(), RunOf(1, {1, 2, 3}));
  {
    const auto backend = Open();
    EXPECT_TRUE(Take(*backend, RunOf(0, {}, 1)).whole.ok()) << "it had one record left";
  }
  const auto backend = Open();
  EXPECT_TRUE(Take(*backend, RunOf(1, {1, 12, 13}, 3)).whole.ok());
  EXPECT_THAT(Written(), ElementsAre(1, 2, 3, 12, 13));
  EXPECT_TRUE(Take(*backend, RunOf(4, {14}, 3)).whole.ok()) << "only what it opened with counts";
  EXPECT_THAT(Written(), ElementsAre(1, 2, 3, 12, 13, 14));
}

TEST_F(RunTest, SharesTheFileWithLiveClients) {
  const auto backend = Open();
  backend->Deliver(MakeExportRecord(Signal::kLogs, 21), bench.In(10s), bench.Taker());
  Take(*backend, RunOf(1, {1}));
  backend->Deliver(MakeExportRecord(Signal::kLogs, 22), bench.In(10s), bench.Taker());
  bench.Await(2);
  Take(*backend, RunOf(1, {1, 2}));
  EXPECT_THAT(Written(), ElementsAre(21, 1, 22, 2)) << "and what live ones bring is no sequence";
}

TEST_F(RunTest, HasNothingOfARunThatFailed) {
  std::filesystem::create_directories(out);
  std::filesystem::create_symlink("/dev/full", logs);
  const auto backend = Open();
  EXPECT_EQ(Take(*backend, RunOf(1, {1, 0})).whole.code, AnswerCode::kUnavailable);
  std::filesystem::remove(logs);
  const record::RunAnswer answer = Take(*backend, RunOf(1, {1, 0}));
  EXPECT_TRUE(answer.whole.ok());
  EXPECT_THAT(answer.rejected, SizeIs(1));
  EXPECT_THAT(Written(), ElementsAre(1));
}

// A disk that hangs: a pipe that nobody reads, until the guard does.
class HangingFile {
 public:
  explicit HangingFile(const std::string& path) {
    CHECK(mkfifo(path.c_str(), 0600) == 0, "a temporary pipe can be made");
    fd_ = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  }
  ~HangingFile() {
    Release();
    close(fd_);
  }
  HangingFile(const HangingFile&) = delete;
  HangingFile& operator=(const HangingFile&) = delete;

  // Reads what comes, on a thread of its own, from now on.
  void Release() {
    if (reader_.joinable()) return;
    reader_ = std::jthread([fd = fd_](const std::stop_token& stop) {
      std::array<char, 65536> block{};
      while (!stop.stop_requested()) {
        if (read(fd, block.data(), block.size()) <= 0) std::this_thread::yield();
      }
    });
  }

 private:
  int fd_;
  std::jthread reader_;
};

TEST_F(FileBackendTest, TellsTheDeadlineWhileTheDiskHangs) {
  std::filesystem::create_directories(out);
  HangingFile disk(logs);
  const auto backend = Open();
  const record::RecordPtr large = MakeExportRecord(Signal::kLogs, 1, 500'000);
  backend->Deliver(large, bench.In(200ms), bench.Taker());
  ASSERT_THAT(bench.Await(1), SizeIs(1));
  EXPECT_EQ(bench.answers()[0].code, AnswerCode::kUnavailable);
  EXPECT_THAT(bench.answers()[0].message, HasSubstr("outcome unknown"));
  disk.Release();
  backend->Deliver(MakeExportRecord(Signal::kLogs, 2), bench.In(20s), bench.Taker());
  EXPECT_TRUE(bench.Await(2).back().ok()) << "answered once, and the next one as ever";
  EXPECT_THAT(bench.answers(), SizeIs(2));
}

TEST_F(FileBackendTest, BoundsItsQueue) {
  std::filesystem::create_directories(out);
  HangingFile disk(logs);
  const auto backend = Open(300'000);
  backend->Deliver(MakeExportRecord(Signal::kLogs, 1, 200'000), bench.In(20s), bench.Taker());
  ASSERT_THAT(bench.answers(), SizeIs(0)) << "larger than the queue, but alone";
  backend->Deliver(MakeExportRecord(Signal::kLogs, 2), bench.In(20s), bench.Taker());
  ASSERT_THAT(bench.answers(), SizeIs(1));
  EXPECT_EQ(bench.answers()[0].code, AnswerCode::kResourceExhausted);
  EXPECT_EQ(bench.answers()[0].retry_after, 1s);
  disk.Release();
  EXPECT_TRUE(bench.Await(2).back().ok());
  backend->Deliver(MakeExportRecord(Signal::kLogs, 3), bench.In(20s), bench.Taker());
  EXPECT_TRUE(bench.Await(3).back().ok()) << "the room is there again";
}

TEST_F(FileBackendTest, GoesWithRecordsInItsQueue) {
  {
    const auto backend = Open();
    for (std::uint32_t seed = 0; seed < 100; ++seed) {
      backend->Deliver(MakeExportRecord(Signal::kLogs, seed), bench.In(10s), bench.Taker());
    }
  }
  bench.loop().RunOnce(0s);
  EXPECT_THAT(bench.answers(), SizeIs(0)) << "nobody waits for them any more";
  const std::string written = std::filesystem::exists(logs) ? ReadFile(logs) : "";
  EXPECT_TRUE(written.empty() || written.ends_with('\n'));
}

}  // namespace
}  // namespace postern::backend
