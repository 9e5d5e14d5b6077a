#include "sidecar/backend/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "lib/otlp/partial_success.h"
#include "sidecar/backend/discard_backend.h"
#include "sidecar/backend/testing/bench.h"

namespace postern::backend {
namespace {

using record::Answer;
using record::AnswerCode;
using record::Signal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// Answers what a test says.
class SpokenBackend final : public Backend {
 public:
  explicit SpokenBackend(const BackendEnv& env) : Backend({.name = "collector"}, env) {}
  void Deliver(record::RecordPtr record, base::Instant, record::Done done) override {
    Settle(*record, next, done);
  }
  Answer next;
};

TEST(Backend, ShowsEverySeriesAtZeroFromTheStart) {
  Bench bench;
  const DiscardBackend none({.name = "none"}, bench.env());
  const std::string page = bench.Scrape();
  std::istringstream lines(page);
  std::size_t refused = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("postern_backend_")) continue;
    EXPECT_THAT(line, ::testing::EndsWith(" 0"));
    refused += line.starts_with("postern_backend_refused_records_total{");
  }
  EXPECT_EQ(refused, 3 * (kAnswerCodes.size() - 1)) << page;
  EXPECT_THAT(
      page,
      HasSubstr(R"(postern_backend_delivered_records_total{backend="none",signal="traces"})"));
  EXPECT_THAT(page, HasSubstr(R"(postern_backend_in_flight_requests{backend="none"} 0)"));
}

TEST(Backend, CountsWhatWasDelivered) {
  Bench bench;
  DiscardBackend none({.name = "none"}, bench.env());
  none.Deliver(MakeRecord("12345", Signal::kMetrics), bench.In(1s), bench.Taker());
  none.Deliver(MakeRecord("123", Signal::kMetrics), bench.In(1s), bench.Taker());
  EXPECT_THAT(bench.answers(), ElementsAre(Answer(), Answer())) << "before Deliver returned";
  EXPECT_THAT(bench.Scrape(),
              AllOf(HasSubstr(R"(delivered_records_total{backend="none",signal="metrics"} 2)"),
                    HasSubstr(R"(delivered_bytes_total{backend="none",signal="metrics"} 8)"),
                    HasSubstr(R"(delivered_records_total{backend="none",signal="logs"} 0)")));
}

TEST(Backend, CountsItemsOfAPartialSuccess) {
  Bench bench;
  SpokenBackend backend(bench.env());
  backend.next.response =
      base::Bytes::Copy(otlp::SerializeResponse({.rejected = 7, .message = "too old"}));
  backend.Deliver(MakeRecord("x"), bench.In(1s), bench.Taker());
  EXPECT_THAT(bench.Scrape(),
              AllOf(HasSubstr(R"(rejected_items_total{backend="collector",signal="logs"} 7)"),
                    HasSubstr(R"(delivered_records_total{backend="collector",signal="logs"} 1)")));
}

TEST(Backend, CountsAndLogsRefusalsAndTellsWhenTheyEnd) {
  Bench bench;
  SpokenBackend backend(bench.env());
  backend.next = {.code = AnswerCode::kUnauthenticated, .message = "token expired", .response = {}};
  for (int i = 0; i < 3; ++i) backend.Deliver(MakeRecord("x"), bench.In(1s), bench.Taker());
  backend.next = {};
  for (int i = 0; i < 2; ++i) backend.Deliver(MakeRecord("x"), bench.In(1s), bench.Taker());
  EXPECT_THAT(bench.Scrape(),
              HasSubstr("postern_backend_refused_records_total{backend=\"collector\","
                        "code=\"unauthenticated\",signal=\"logs\"} 3"));
  EXPECT_THAT(bench.capture().lines(),
              ElementsAre(HasSubstr("backend refused a record backend=collector signal=logs "
                                    "code=unauthenticated error=\"token expired\""),
                          HasSubstr("backend delivers again backend=collector")));
}

TEST(Backend, FaultOfABodySaysNothingAboutTheBackend) {
  Bench bench;
  SpokenBackend backend(bench.env());
  backend.next = {.code = AnswerCode::kInvalidArgument, .message = "no protobuf", .response = {}};
  backend.Deliver(MakeRecord("x"), bench.In(1s), bench.Taker());
  backend.next = {};
  backend.Deliver(MakeRecord("x"), bench.In(1s), bench.Taker());
  EXPECT_EQ(bench.capture().Count("delivers again"), 0U);
}

TEST(Backend, AcceptsItsSignalsOnly) {
  Bench bench;
  const DiscardBackend traces(
      {.name = "tempo", .signals = {.logs = false, .metrics = false, .traces = true}}, bench.env());
  EXPECT_FALSE(traces.accepts(Signal::kLogs));
  EXPECT_FALSE(traces.accepts(Signal::kMetrics));
  EXPECT_TRUE(traces.accepts(Signal::kTraces));
}

}  // namespace
}  // namespace postern::backend
