// kubectl-postern queue, run on folders that a real log made on a real disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/testing/fake_clock.h"
#include "lib/base/testing/matchers.h"
#include "lib/fs/posix_storage.h"
#include "lib/json/parse.h"
#include "lib/json/path.h"
#include "lib/otlp/testing/sample.h"
#include "lib/otlp/to_json.h"
#include "lib/queue/ledger.h"
#include "lib/queue/log.h"
#include "lib/queue/log_state.h"
#include "lib/yaml/parse.h"
#include "sidecar/record/record_codec.h"
#include "sidecar/record/wire.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace postern {
namespace {

using namespace std::chrono_literals;
using record::Signal;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kFirst = (std::uint64_t{1} << queue::kSequenceBits) + 1;
const queue::Sender kEast{.member = "east.example", .store = {0xea}};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string BodyOf(Signal signal, std::uint32_t seed) {
  return otlp::MakeExport(static_cast<otlp::Signal>(signal), {.records = 2, .seed = seed});
}

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

class Cli : public testing::Test {
 protected:
  // A queue of six records in three segments: logs, metrics, traces, twice; the last one a child's.
  void Fill() {
    Open();
    CHECK(log_->AddCursor("uplink"), "a cursor can be added");
    for (std::uint32_t i = 0; i < 6; ++i) {
      Append(record::kSignals[i % 3], BodyOf(record::kSignals[i % 3], i), i == 5);
      clock_.Advance(1s);
    }
    CHECK(log_->MarkDone("uplink", 0, kFirst + 1), "there is such a cursor");
    log_->Commit();
  }
  void Open() {
    auto log = queue::Log::Open(
        storage_, {.folder = folder_, .max_bytes = 1 << 20, .segment_bytes = 2048}, clock_);
    CHECK(log, "a log opens");
    log_ = *std::move(log);
  }
  void Append(Signal signal, const std::string& body, bool from_child) {
    record::Record record;
    record.signal = signal;
    record.origin = {.member = "gateway.example", .store = {7}, .sequence = 9};
    record.metadata = {{"tenant", "a"}};
    std::string head;
    record::AppendRecordHead(record, record::Origin(), head);
    AppendBytes(head + body, from_child);
  }
  void AppendBytes(const std::string& bytes, bool from_child) {
    queue::Entry entry{.hop = std::nullopt, .head = {}, .body = base::Bytes::Copy(bytes)};
    if (from_child) entry.hop = queue::Hop{.sender = kEast, .sequence = 77, .crc = 1};
    CHECK(log_->Append(std::move(entry)) && log_->Commit().records, "the disk takes a record");
  }
  std::vector<std::string> Names() const {
    auto names = (*storage_.OpenToRead(folder_))->List();
    CHECK(names, "the folder can be listed");
    return *std::move(names);
  }
  std::vector<std::string> FilesOf(queue::FileKind kind) const {
    std::vector<std::string> names = Names();
    std::erase_if(names, [kind](const auto& name) { return !queue::PositionIn(name, kind); });
    return names;
  }
  // Spoils a byte of the first record's body.
  void Spoil() {
    const std::string path = folder_ + "/" + FilesOf(queue::FileKind::kSegment).at(0);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(queue::kSegmentHeadSize + queue::kGroupHeadSize + 20);
    file.put('\x7f');
    CHECK(file.flush().good(), "the segment can be written");
  }
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const std::string& name : Names()) {
      files[name] = ReadFile(folder_ + "/" + name);
    }
    return files;
  }

  Ran Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-c", R"(exec "$0" "$@" >"$OUT" 2>"$ERR")", POSTERN_CLI});
    const std::string out = temp_.File("out");
    const std::string err = temp_.File("err");
    auto process = support::Process::Start(
        "/bin/sh",
        {.arguments = std::move(arguments), .environment = {{"OUT", out}, {"ERR", err}}});
    CHECK(process, "the program can be started");
    const auto exit = process->WaitForExit(30s);
    CHECK(exit, "the program ends");
    EXPECT_EQ(exit->signal, 0);
    return {.code = exit->code, .out = ReadFile(out), .err = ReadFile(err)};
  }
  Ran Queue(const std::string& verb, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"queue", verb, folder_});
    return Run(std::move(more));
  }
  static json::Value Parsed(const Ran& ran) {
    const auto value = json::Parse(ran.out);
    EXPECT_THAT(value, base::IsOk()) << ran.out << ran.err;
    return value ? *value : json::Value();
  }

  support::TempDir temp_;
  std::string folder_ = temp_.File("queue");
  mutable fs::PosixStorage storage_;
  base::FakeClock clock_;
  std::unique_ptr<queue::Log> log_;
};

TEST_F(Cli, InspectTellsAllAsJson) {
  Fill();
  const Ran ran = Queue("inspect", {"-o", "json"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "");
  const json::Value value = Parsed(ran);
  EXPECT_EQ(*json::IntAt(value, "openCount"), 1);
  EXPECT_EQ(json::StringAt(value, "store")->size(), 32U);
  EXPECT_EQ(*json::IntAt(value, "records"), 6);
  EXPECT_EQ(*json::IntAt(value, "groups"), 6);
  EXPECT_EQ(*json::StringAt(value, "first.time"), "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(*json::StringAt(value, "last.time"), "2027-01-15T08:00:05.000Z");
  EXPECT_EQ(*json::IntAt(value, "last.ageMilliseconds"), 5000);
  EXPECT_EQ(*json::StringAt(value, "segments[0].position"), "0000000000000000");
  EXPECT_EQ(*json::IntAt(value, "segments[0].firstSequence"), static_cast<std::int64_t>(kFirst));
  EXPECT_EQ(*json::StringAt(value, "cursors[0].name"), "uplink");
  EXPECT_EQ(*json::IntAt(value, "cursors[0].behind"), 4);
  EXPECT_EQ(*json::StringAt(value, "marks[0].member"), "east.example");
  EXPECT_EQ(*json::StringAt(value, "marks[0].store"), "ea" + std::string(30, '0'));
  EXPECT_EQ(*json::IntAt(value, "marks[0].sequence"), 77);
  EXPECT_EQ(*json::IntAt(value, "damages"), 0);
  EXPECT_THAT(*json::At(value, "checkpoint"), testing::Pointee(json::Value(nullptr)));
}

TEST_F(Cli, YamlTellsWhatJsonTells) {
  Fill();
  for (const char* verb : {"inspect", "verify", "ledger"}) {
    const json::Value as_json = Parsed(Queue(verb, {"-o", "json"}));
    POSTERN_ASSERT_OK_AND_ASSIGN(const auto documents,
                                 yaml::Parse(Queue(verb, {"-o", "yaml"}).out, "printed"));
    ASSERT_EQ(documents.size(), 1U);
    EXPECT_EQ(yaml::ToJson(documents[0].root), as_json) << verb;
  }
}

TEST_F(Cli, TablesAreForPeople) {
  Fill();
  const Ran inspected = Queue("inspect");
  EXPECT_EQ(inspected.code, 0);
  EXPECT_THAT(inspected.out, AllOf(HasSubstr("6 records in 6 groups, 3 segments, "),
                                   HasSubstr("2027-01-15T08:00:05.000Z, 5 s later"),
                                   HasSubstr("uplink  4 records"), HasSubstr("east.example  ea00"),
                                   HasSubstr("damage      none"), HasSubstr(" KiB")));
  EXPECT_THAT(inspected.out, testing::Not(HasSubstr("\x1b"))) << "no colour";
  const Ran verified = Queue("verify");
  EXPECT_EQ(verified.code, 0);
  EXPECT_THAT(verified.out, HasSubstr("damage      none"));
  EXPECT_EQ(Queue("ledger").out, "nothing left the queue but by being passed on\n");
}

TEST_F(Cli, VerifyTellsDamageAndLeavesItAsItIs) {
  Fill();
  for (const bool running : {true, false}) {
    SCOPED_TRACE(running ? "running" : "stopped");
    if (!running) log_.reset();
    Spoil();
    const auto before = Files();
    const Ran ran = Queue("verify", {"-o", "json"});
    EXPECT_EQ(ran.code, 65);
    const json::Value value = Parsed(ran);
    EXPECT_EQ(*json::StringAt(value, "damages[0].kind"), "records");
    EXPECT_EQ(*json::StringAt(value, "damages[0].file"), "0000000000000000.log");
    EXPECT_EQ(*json::StringAt(value, "damages[0].from"), "0000000000000000");
    EXPECT_EQ(*json::IntAt(value, "damages[0].afterSequence"), 0);
    EXPECT_EQ(*json::IntAt(value, "damages[0].beforeSequence"),
              static_cast<std::int64_t>(kFirst + 1));
    EXPECT_EQ(*json::BoolAt(value, "damages[0].needed"), false);
    EXPECT_EQ(json::ArrayAt(value, "damages").value()->size(), 1U);
    const Ran table = Queue("verify");
    EXPECT_EQ(table.code, 65);
    EXPECT_THAT(table.out, AllOf(HasSubstr("1 found"), HasSubstr("were synced and are not whole")));
    EXPECT_EQ(Queue("inspect").code, 0) << "inspect only counts it";
    EXPECT_EQ(Files(), before);
  }
}

TEST_F(Cli, ExportWritesTheFileBackendsLines) {
  Fill();
  std::string expected;
  for (const std::uint32_t seed : {1U, 4U}) {
    ASSERT_THAT(
        otlp::AppendJsonLine(otlp::Signal::kMetrics, BodyOf(Signal::kMetrics, seed), expected),
        base::IsOk());
  }
  const Ran ran = Queue("export", {"--signal", "metrics"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, expected);
  EXPECT_EQ(ran.err, "");
  const std::string file = temp_.File("metrics.jsonl");
  EXPECT_EQ(Queue("export", {"--signal", "metrics", "--output", file}).code, 0);
  EXPECT_EQ(ReadFile(file), expected);
}

TEST_F(Cli, ExportTakesARangeAsInspectTellsIt) {
  Fill();
  const Ran ran =
      Queue("export", {"--after", std::to_string(kFirst), "--through", std::to_string(kFirst + 2)});
  EXPECT_EQ(ran.code, 0);
  std::string expected;
  ASSERT_THAT(otlp::AppendJsonLine(otlp::Signal::kMetrics, BodyOf(Signal::kMetrics, 1), expected),
              base::IsOk());
  ASSERT_THAT(otlp::AppendJsonLine(otlp::Signal::kTraces, BodyOf(Signal::kTraces, 2), expected),
              base::IsOk());
  EXPECT_EQ(ran.out, expected);
}

TEST_F(Cli, ExportWritesRawBodiesBehindTheirLengths) {
  Fill();
  const Ran ran = Queue("export", {"--signal", "traces", "--raw"});
  EXPECT_EQ(ran.code, 0);
  record::Reader in(ran.out);
  std::vector<std::string> bodies;
  while (in.ok() && !in.rest().empty()) bodies.emplace_back(in.Raw(in.Number()));
  EXPECT_TRUE(in.ok());
  EXPECT_THAT(bodies, ElementsAre(BodyOf(Signal::kTraces, 2), BodyOf(Signal::kTraces, 5)));
}

TEST_F(Cli, ExportSaysWhatItLeavesOut) {
  Fill();
  Append(Signal::kLogs, "no protobuf", false);
  AppendBytes("\xff no record", false);
  Spoil();
  const Ran ran = Queue("export", {"--signal", "logs"});
  EXPECT_EQ(ran.code, 65);
  std::string expected;
  ASSERT_THAT(otlp::AppendJsonLine(otlp::Signal::kLogs, BodyOf(Signal::kLogs, 3), expected),
              base::IsOk());
  EXPECT_EQ(ran.out, expected) << "the rest is all there";
  EXPECT_THAT(ran.err, AllOf(HasSubstr("left out: record " + std::to_string(kFirst + 6) + ": "),
                             HasSubstr("left out: record " + std::to_string(kFirst + 7) + ": "),
                             HasSubstr("left out: records above 0 are damaged: see verify")));
}

TEST_F(Cli, LedgerTellsWhatLeft) {
  Fill();
  log_.reset();
  std::string ring(queue::kLedgerBytes, '\0');
  const queue::LedgerEntry entry{.number = 1,
                                 .wall = 1'800'000'000'000,
                                 .reason = queue::Reason::kExpired,
                                 .reader = "uplink",
                                 .after = kFirst,
                                 .through = kFirst + 2,
                                 .records = 2,
                                 .bytes = 2048};
  ring.replace(queue::LedgerOffset(1), queue::kLedgerSlot, queue::EncodeLedgerEntry(entry));
  temp_.Write("queue/ledger", ring);
  const Ran ran = Queue("ledger", {"-o", "json"});
  EXPECT_EQ(ran.code, 0);
  const json::Value value = Parsed(ran);
  EXPECT_EQ(*json::StringAt(value, "entries[0].reason"), "expired");
  EXPECT_EQ(*json::StringAt(value, "entries[0].time"), "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(*json::IntAt(value, "entries[0].records"), 2);
  EXPECT_EQ(*json::IntAt(value, "entries[0].through"), static_cast<std::int64_t>(kFirst + 2));
  EXPECT_THAT(Queue("ledger").out, HasSubstr("expired  uplink  2        2.0 KiB"));
}

TEST_F(Cli, SaysWhatIsNoQueueAndMakesNothing) {
  struct Case {
    const char* when;
    std::string folder;
    const char* says;
  };
  temp_.Write("file", "");
  std::filesystem::create_directory(temp_.File("empty"));
  const Case cases[] = {
      {"the folder is missing", temp_.File("missing"),
       "No such file or directory; give the queue folder"},
      {"it is a file", temp_.File("file"),
       "Not a directory; give the queue folder of a relay: STATE/queue"},
      {"it is no queue's", temp_.File("empty"),
       "neither a store nor a segment of a queue; give the queue"},
  };
  for (const Case& one : cases) {
    for (const char* verb : {"inspect", "verify", "export", "ledger"}) {
      SCOPED_TRACE(testing::Message() << verb << " where " << one.when);
      const Ran ran = Run({"queue", verb, one.folder});
      EXPECT_EQ(ran.code, 66);
      EXPECT_EQ(ran.out, "");
      EXPECT_THAT(ran.err, AllOf(HasSubstr(one.folder), HasSubstr(one.says)));
    }
  }
  const std::string output = temp_.Write("kept.jsonl", "kept");
  EXPECT_EQ(Run({"queue", "export", temp_.File("empty"), "--output", output}).code, 66);
  EXPECT_EQ(ReadFile(output), "kept") << "nothing is replaced by nothing";
  EXPECT_FALSE(std::filesystem::exists(temp_.File("missing")));
  EXPECT_TRUE(std::filesystem::is_empty(temp_.File("empty")));
}

TEST_F(Cli, RefusesWhatALaterVersionWrote) {
  Fill();
  log_.reset();
  const std::string name = FilesOf(queue::FileKind::kSegment).at(0);
  std::string bytes = ReadFile(folder_ + "/" + name);
  const auto head = queue::ParseSegmentHead(bytes.substr(0, queue::kSegmentHeadSize));
  ASSERT_THAT(head, base::IsOk());
  bytes.replace(0, queue::kSegmentHeadSize, queue::EncodeSegmentHead(*head, 2));
  temp_.Write("queue/" + name, bytes);
  const Ran ran = Queue("verify");
  EXPECT_EQ(ran.code, 66);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("version 2"), HasSubstr("use the kubectl-postern of that")));
}

TEST_F(Cli, SaysWhatIsWrongUsage) {
  Fill();
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"queue"},
      {"queue", "inspect"},
      {"queue", "mend", folder_},
      {"queue", "inspect", folder_, "-o", "xml"},
      {"queue", "export", folder_, "--signal", "smoke"},
      {"queue", "export", folder_, "--raw"},
      {"queue", "export", folder_, "--after", "-1"},
      {"queue", "verify", folder_, folder_},
  };
  for (const auto& arguments : wrong) {
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.code, 64) << testing::PrintToString(arguments);
    EXPECT_NE(ran.err, "");
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(Cli, NamesWhatCouldBeTaken) {
  EXPECT_THAT(Queue("inspect", {"-o", "xml"}).err,
              HasSubstr("'xml' is none of table, json and yaml"));
  EXPECT_THAT(Queue("export", {"--signal", "smoke"}).err,
              HasSubstr("'smoke' is none of logs, metrics and traces"));
  EXPECT_THAT(Queue("export", {"--after", "-1"}).err, HasSubstr("'-1' is no sequence"));
}

TEST_F(Cli, NeverWritesIntoTheQueuesFolder) {
  Fill();
  const auto before = Files();
  std::filesystem::create_symlink(folder_ + "/cursors", temp_.File("link"));
  for (const std::string& output :
       {folder_ + "/logs.jsonl", folder_ + "/../queue/cursors", temp_.File("link")}) {
    const Ran ran = Queue("export", {"--output", output});
    EXPECT_EQ(ran.code, 64) << output;
    EXPECT_THAT(ran.err, AllOf(HasSubstr(output), HasSubstr("give another --output")));
  }
  EXPECT_EQ(Files(), before);
}

TEST_F(Cli, SaysWhereItCannotWrite) {
  Fill();
  const std::string nowhere = temp_.File("no/such/folder/logs.jsonl");
  const Ran missing = Queue("export", {"--output", nowhere});
  EXPECT_EQ(missing.code, 74);
  EXPECT_THAT(missing.err,
              AllOf(HasSubstr("opening " + nowhere), HasSubstr("give --output a file")));
  const Ran full = Queue("export", {"--output", "/dev/full"});
  EXPECT_EQ(full.code, 74);
  EXPECT_THAT(full.err, HasSubstr("/dev/full: No space left on device"));
}

TEST_F(Cli, TellsItsVersionAndHelps) {
  EXPECT_EQ(Run({"--version"}).code, 0);
  const Ran help = Run({"queue", "export", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("Examples:"));
  EXPECT_THAT(help.err, IsEmpty());
}

}  // namespace
}  // namespace postern
