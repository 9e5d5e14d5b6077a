#include "lib/rpc/unary_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "lib/base/check.h"
#include "lib/base/mutex.h"
#include "lib/base/testing/matchers.h"
#include "lib/pki/testing/test_authority.h"
#include "lib/rpc/testing/fake_server.h"

// Debian's c-ares 1.18 loses ten bytes whenever it looks up "localhost".
// NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libcares"; }

namespace postern::rpc {
namespace {

using base::Bytes;
using base::Code;
using base::HasCode;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using namespace std::chrono_literals;

constexpr char kMethod[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr int kCancelled = 1;
constexpr int kDeadlineExceeded = 4;
constexpr int kResourceExhausted = 8;
constexpr int kUnavailable = 14;

// Results as they come, from gRPC's threads to the test's.
class Results {
 public:
  UnaryChannel::Done Taker() {
    return [this](const UnaryResult& result) {
      base::MutexLock lock(mutex_);
      results_.push_back(result);
      changed_.NotifyAll();
    };
  }
  UnaryResult Next() {
    base::MutexLock lock(mutex_);
    while (results_.empty()) changed_.Wait(mutex_);
    UnaryResult result = std::move(results_.front());
    results_.pop_front();
    return result;
  }
  std::size_t size() {
    base::MutexLock lock(mutex_);
    return results_.size();
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<UnaryResult> results_ GUARDED_BY(mutex_);
};

std::unique_ptr<UnaryChannel> OpenOrDie(const UnaryChannel::Options& options) {
  auto channel = UnaryChannel::Open(options);
  CHECK(channel.has_value(), "a test's endpoint is well formed");
  return *std::move(channel);
}

UnaryResult CallOnce(UnaryChannel& channel, const Bytes& body = {}, const Metadata& headers = {},
                     base::Duration timeout = 10s) {
  Results results;
  channel.Call(kMethod, body, headers, timeout, results.Taker());
  return results.Next();
}

TEST(UnaryChannel, SendsBytesAndBringsBytesBack) {
  FakeServer server;
  server.AnswerWith({.body = "partial"});
  const auto channel = OpenOrDie({.endpoint = server.endpoint()});
  for (const std::string& body :
       {std::string("export"), std::string(), std::string(3 << 20, 'x')}) {
    const UnaryResult result = CallOnce(*channel, Bytes::Copy(body));
    EXPECT_EQ(result.grpc_code, 0) << result.message;
    EXPECT_EQ(result.response.view(), "partial");
    EXPECT_EQ(result.retry_after, std::nullopt);
    EXPECT_EQ(server.requests().back().path, kMethod);
    EXPECT_TRUE(server.requests().back().body.view() == body) << body.size();
  }
}

TEST(UnaryChannel, SendsLegalHeadersAndDropsTheOthers) {
  FakeServer server;
  const auto channel = OpenOrDie({.endpoint = server.endpoint(), .user_agent = "postern/test"});
  EXPECT_EQ(CallOnce(*channel, {},
                     {{"x-tenant", "blue"},
                      {"x-key-bin", "AP8="},
                      {"te", "gzip"},
                      {"grpc-encoding", "gzip"},
                      {"Bad Name", "x"}})
                .grpc_code,
            0);
  EXPECT_THAT(server.requests()[0].metadata,
              AllOf(Contains(Pair("x-tenant", "blue")),
                    Contains(Pair("x-key-bin", std::string("\x00\xff", 2))),
                    Contains(Pair("user-agent", HasSubstr("postern/test"))),
                    Not(Contains(Pair("te", "gzip"))), Not(Contains(Key("grpc-encoding")))));
}

TEST(UnaryChannel, TellsCodeMessageAndRetryInfo) {
  FakeServer server;
  server.AnswerWith({.code = kResourceExhausted, .message = "slow down", .retry_after = 2500ms});
  const auto channel = OpenOrDie({.endpoint = server.endpoint()});
  const UnaryResult result = CallOnce(*channel);
  EXPECT_EQ(result.grpc_code, kResourceExhausted);
  EXPECT_EQ(result.message, "slow down");
  EXPECT_EQ(result.retry_after, 2500ms);
  EXPECT_TRUE(result.response.empty());
}

TEST(UnaryChannel, TakesPushbackWhereThereIsNoRetryInfo) {
  FakeServer server;
  server.AnswerWith({.code = kUnavailable, .trailers = {{"grpc-retry-pushback-ms", "700"}}});
  const auto channel = OpenOrDie({.endpoint = server.endpoint()});
  const UnaryResult result = CallOnce(*channel);
  EXPECT_EQ(result.grpc_code, kUnavailable);
  EXPECT_EQ(result.retry_after, 700ms);
  EXPECT_EQ(server.requests().size(), 1U) << "gRPC must not repeat by itself";
}

TEST(UnaryChannel, GivesUpAfterTheTimeout) {
  FakeServer server;
  server.AnswerWith({.never = true});
  const auto channel = OpenOrDie({.endpoint = server.endpoint()});
  EXPECT_EQ(CallOnce(*channel, {}, {}, 50ms).grpc_code, kDeadlineExceeded);
}

TEST(UnaryChannel, HearsASlowAnswer) {
  FakeServer server;
  server.AnswerWith({.body = "late", .delay = 50ms});
  const auto channel = OpenOrDie({.endpoint = server.endpoint()});
  EXPECT_EQ(CallOnce(*channel).response.view(), "late");
}

TEST(UnaryChannel, RefusesAResponseBeyondTheBound) {
  FakeServer server;
  server.AnswerWith({.body = std::string(2000, 'x')});
  const auto channel = OpenOrDie({.endpoint = server.endpoint(), .max_response = 1000});
  const UnaryResult result = CallOnce(*channel);
  EXPECT_EQ(result.grpc_code, kResourceExhausted);
  EXPECT_TRUE(result.response.empty());
}

TEST(UnaryChannel, FailsAtOnceWhereNobodyListensAndComesBackByItself) {
  std::uint16_t port = 0;
  {
    const FakeServer gone;
    port = gone.port();
  }
  const auto channel = OpenOrDie({.endpoint = "http://127.0.0.1:" + std::to_string(port)});
  EXPECT_EQ(CallOnce(*channel).grpc_code, kUnavailable);
  const FakeServer server({.port = port});
  UnaryResult result;
  for (int i = 0; i < 100'000 && (i == 0 || result.grpc_code == kUnavailable); ++i) {
    result = CallOnce(*channel);
  }
  EXPECT_EQ(result.grpc_code, 0) << result.message;
}

TEST(UnaryChannel, TellsCallsThatTheServerDied) {
  auto server = std::make_unique<FakeServer>();
  server->AnswerWith({.never = true});
  const auto channel = OpenOrDie({.endpoint = server->endpoint()});
  Results results;
  channel->Call(kMethod, Bytes::Copy("export"), {}, 10s, results.Taker());
  ASSERT_TRUE(server->WaitForRequests(1));
  server.reset();
  EXPECT_THAT(results.Next().grpc_code, ::testing::AnyOf(kUnavailable, kCancelled));
}

TEST(UnaryChannel, EndsItsCallsBeforeItself) {
  FakeServer server;
  server.AnswerWith({.never = true});
  Results results;
  auto channel = OpenOrDie({.endpoint = server.endpoint()});
  for (int i = 0; i < 20; ++i) channel->Call(kMethod, {}, {}, 60s, results.Taker());
  channel.reset();
  ASSERT_EQ(results.size(), 20U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results.Next().grpc_code, kCancelled);
}

TEST(UnaryChannel, EndsWhileAnswersCome) {
  const FakeServer server;
  for (int round = 0; round < 100; ++round) {
    Results results;
    auto channel = OpenOrDie({.endpoint = server.endpoint()});
    for (int i = 0; i < 3; ++i) channel->Call(kMethod, {}, {}, 60s, results.Taker());
    results.Next();
    channel.reset();
    EXPECT_EQ(results.size(), 2U);
  }
}

TEST(UnaryChannel, RefusesEndpointsOfAnotherForm) {
  EXPECT_THAT(UnaryChannel::Open({.endpoint = "collector:4317"}), HasCode(Code::kInvalid));
  EXPECT_THAT(UnaryChannel::Open({.endpoint = "https://collector:4317", .ca_pem = "no PEM"}),
              HasCode(Code::kInvalid));
}

TEST(UnaryChannelOverTls, BelievesOnlyTheRootsAndTheNameItWasGiven) {
  const pki::TestAuthority ca;
  const pki::TestAuthority other("another CA");
  const std::string root = ca.authority().certificate().ToPem();
  const struct {
    const char* when;
    pki::Credentials server;
    std::string roots;
    int then;
  } kCases[] = {
      {"the root and the name are right", ca.MakeMember("localhost", {"localhost"}), root, 0},
      {"another CA", other.MakeMember("localhost", {"localhost"}), root, kUnavailable},
      {"another name", ca.MakeMember("gw1.example", {"gw1.example"}), root, kUnavailable},
      {"the system's roots do not know our CA", ca.MakeMember("localhost", {"localhost"}), "",
       kUnavailable},
  };
  for (const auto& row : kCases) {
    const FakeServer server(
        {.chain_pem = row.server.chain.front().ToPem(), .key_pem = row.server.key->ToPem()});
    const auto channel = OpenOrDie({.endpoint = server.endpoint(), .ca_pem = row.roots});
    testing::internal::CaptureStderr();
    const UnaryResult result = CallOnce(*channel);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << row.when << ": the result tells all";
    EXPECT_EQ(result.grpc_code, row.then) << row.when << ": " << result.message;
  }
}

}  // namespace
}  // namespace postern::rpc
