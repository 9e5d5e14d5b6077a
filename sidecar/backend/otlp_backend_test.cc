#include "sidecar/backend/otlp_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/check.h"
#include "lib/base/testing/matchers.h"
#include "lib/otlp/partial_success.h"
#include "lib/rpc/testing/fake_server.h"
#include "sidecar/backend/testing/bench.h"

namespace postern::backend {
namespace {

using base::Code;
using base::HasCode;
using record::Answer;
using record::AnswerCode;
using record::Signal;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using namespace std::chrono_literals;

std::unique_ptr<OtlpBackend> OpenTo(const rpc::FakeServer& server, Bench& bench,
                                    OtlpBackend::Options options = {}) {
  options.channel.endpoint = server.endpoint();
  auto backend = OtlpBackend::Open({.name = "collector"}, options, bench.env());
  CHECK(backend.has_value(), "a test's endpoint is well formed");
  return *std::move(backend);
}

TEST(OtlpBackend, SendsTheBodyAndItsMetadataToTheSignalsService) {
  Bench bench;
  const rpc::FakeServer server;
  const auto backend = OpenTo(server, bench);
  for (const Signal signal : record::kSignals) {
    backend->Deliver(MakeRecord("opaque", signal), bench.In(10s), bench.Taker());
  }
  for (const Answer& answer : bench.Await(3)) EXPECT_EQ(answer, Answer());
  std::vector<std::string> paths;
  for (const auto& request : server.requests()) {
    paths.push_back(request.path);
    EXPECT_EQ(request.body.view(), "opaque");
    EXPECT_THAT(request.metadata,
                AllOf(Contains(Pair("x-tenant", "blue")), Not(Contains(Key("postern-repeat")))));
  }
  EXPECT_THAT(paths, ::testing::UnorderedElementsAre(
                         "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                         "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                         "/opentelemetry.proto.collector.trace.v1.TraceService/Export"));
}

TEST(OtlpBackend, MarksAPossibleRepeat) {
  Bench bench;
  const rpc::FakeServer server;
  const auto backend = OpenTo(server, bench);
  backend->Deliver(MakeRecord("x", Signal::kLogs, true), bench.In(10s), bench.Taker());
  bench.Await(1);
  EXPECT_THAT(server.requests()[0].metadata,
              AllOf(Contains(Pair("postern-repeat", "possible")), Contains(Key("x-tenant"))));
}

TEST(OtlpBackend, HandsOnWhatTheEndpointSaid) {
  Bench bench;
  rpc::FakeServer server;
  const auto backend = OpenTo(server, bench);
  const std::string partial = otlp::SerializeResponse({.rejected = 2, .message = "too old"});
  const struct {
    const char* when;
    rpc::FakeServer::Reply reply;
    Answer then;
  } kCases[] = {
      {"it took a part",
       {.body = partial},
       {.message = {}, .response = base::Bytes::Copy(partial)}},
      {"the token expired",
       {.code = 16, .message = "401"},
       {.code = AnswerCode::kUnauthenticated, .message = "backend collector: 401", .response = {}}},
      {"it wants to be asked later",
       {.code = 8, .message = "slow down", .retry_after = 1500ms},
       {.code = AnswerCode::kResourceExhausted,
        .message = "backend collector: slow down",
        .retry_after = 1500ms,
        .response = {}}},
      {"the body is at fault",
       {.code = 3, .message = "bad id"},
       {.code = AnswerCode::kInvalidArgument,
        .message = "backend collector: bad id",
        .response = {}}},
  };
  std::size_t count = 0;
  for (const auto& row : kCases) {
    server.AnswerWith(row.reply);
    backend->Deliver(MakeRecord("x"), bench.In(10s), bench.Taker());
    EXPECT_EQ(bench.Await(++count).back(), row.then) << row.when;
  }
  EXPECT_THAT(bench.Scrape(),
              HasSubstr(R"(rejected_items_total{backend="collector",signal="logs"} 2)"));
}

TEST(OtlpBackend, SaysThatTheOutcomeIsUnknownAfterTheDeadline) {
  Bench bench;
  rpc::FakeServer server;
  server.AnswerWith({.never = true});
  const auto backend = OpenTo(server, bench);
  backend->Deliver(MakeRecord("x"), bench.In(100ms), bench.Taker());
  EXPECT_THAT(bench.Await(1)[0].message, HasSubstr("outcome unknown"));
  EXPECT_EQ(bench.answers()[0].code, AnswerCode::kUnavailable);
}

TEST(OtlpBackend, SendsNothingAfterTheDeadline) {
  Bench bench;
  const rpc::FakeServer server;
  const auto backend = OpenTo(server, bench);
  backend->Deliver(MakeRecord("x"), bench.In(-1ms), bench.Taker());
  ASSERT_THAT(bench.answers(), SizeIs(1)) << "at once";
  EXPECT_EQ(bench.answers()[0].code, AnswerCode::kUnavailable);
  EXPECT_THAT(bench.answers()[0].message, HasSubstr("not sent"));
}

TEST(OtlpBackend, TellsAtOnceThatNobodyListens) {
  Bench bench;
  auto server = std::make_unique<rpc::FakeServer>();
  const auto backend = OpenTo(*server, bench);
  server.reset();
  backend->Deliver(MakeRecord("x"), bench.In(60s), bench.Taker());
  EXPECT_EQ(bench.Await(1)[0].code, AnswerCode::kUnavailable);
  EXPECT_EQ(bench.capture().Count("backend refused a record"), 1U);
}

TEST(OtlpBackend, KeepsToItsRequestsInFlightAndToOrder) {
  Bench bench;
  rpc::FakeServer server;
  server.AnswerWith({.delay = 2ms});
  const auto backend = OpenTo(server, bench, {.channel = {}, .in_flight = 1});
  for (int i = 0; i < 20; ++i) {
    backend->Deliver(MakeRecord(std::to_string(i)), bench.In(10s), bench.Taker());
  }
  EXPECT_THAT(bench.Scrape(), HasSubstr(R"(in_flight_requests{backend="collector"} 1)"));
  for (const Answer& answer : bench.Await(20)) EXPECT_TRUE(answer.ok()) << answer.message;
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 20U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(requests[i].body.view(), std::to_string(i));
  EXPECT_THAT(bench.Scrape(), HasSubstr(R"(in_flight_requests{backend="collector"} 0)"));
}

TEST(OtlpBackend, LetsARecordWaitOnlyUntilItsDeadline) {
  Bench bench;
  rpc::FakeServer server;
  server.AnswerWith({.never = true});
  const auto backend = OpenTo(server, bench, {.channel = {}, .in_flight = 1});
  backend->Deliver(MakeRecord("first"), bench.In(60s), bench.Taker());
  backend->Deliver(MakeRecord("late"), bench.In(50ms), bench.Taker());
  EXPECT_THAT(bench.Await(1)[0].message, HasSubstr("no turn before the deadline; not sent"));
  EXPECT_TRUE(server.WaitForRequests(1));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(OtlpBackend, BoundsTheLine) {
  Bench bench;
  rpc::FakeServer server;
  server.AnswerWith({.never = true});
  const auto backend =
      OpenTo(server, bench, {.channel = {}, .in_flight = 1, .waiting_bytes = 10'000});
  const std::string body(3'900, 'x');
  for (int i = 0; i < 4; ++i) backend->Deliver(MakeRecord(body), bench.In(60s), bench.Taker());
  ASSERT_THAT(bench.answers(), SizeIs(1)) << "one is sent, two wait, one has no room";
  EXPECT_EQ(bench.answers()[0].code, AnswerCode::kResourceExhausted);
  EXPECT_EQ(bench.answers()[0].retry_after, 1s);
}

TEST(OtlpBackend, GoesWithCallsUnderWay) {
  Bench bench;
  rpc::FakeServer server;
  server.AnswerWith({.never = true});
  auto backend = OpenTo(server, bench);
  for (int i = 0; i < 10; ++i) backend->Deliver(MakeRecord("x"), bench.In(60s), bench.Taker());
  backend.reset();
  bench.loop().RunOnce(0s);
  EXPECT_THAT(bench.answers(), SizeIs(0)) << "nobody waits for them any more";
}

TEST(OtlpBackend, NeedsAWellFormedEndpoint) {
  Bench bench;
  const auto backend =
      OtlpBackend::Open({.name = "c"}, {.channel = {.endpoint = "collector"}}, bench.env());
  EXPECT_THAT(backend, AllOf(HasCode(Code::kInvalid), base::FailsWith("backend c: ")));
}

}  // namespace
}  // namespace postern::backend
