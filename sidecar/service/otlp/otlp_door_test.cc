// The door over real sockets: what clients send, right or wrong, and the memory it may cost.
#include "sidecar/service/otlp/otlp_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/event_loop.h"
#include "lib/http2/testing/exchange.h"
#include "lib/log/testing/capture.h"
#include "lib/net/dial.h"
#include "sidecar/service/otlp/status_details.h"
#include "sidecar/store/testing/memory_store.h"

namespace postern::service {
namespace {

using http2::Exchange;
using http2::Field;
using record::Answer;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view kLogs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr const char* kExhausted = "8";
constexpr const char* kInvalidArgument = "3";

class MovedClock final : public base::Clock {
 public:
  base::Instant Now() const override { return system_.Now() + moved_; }
  base::WallTime WallNow() const override { return system_.WallNow(); }
  void Advance(base::Duration by) { moved_ += by; }

 private:
  base::SystemClock system_;
  base::Duration moved_{0};
};

// Keeps what is delivered until the test answers.
class HoldingSink final : public record::Sink {
 public:
  void Deliver(record::RecordPtr record, base::Instant, record::Done done) override {
    bodies.emplace_back(record->body.view());
    metadata = record->metadata;
    held_.push_back(std::move(done));
    if (at_once) AnswerAll();
  }
  void AnswerAll(const Answer& answer = {}) {
    for (const record::Done& done : std::exchange(held_, {})) done(answer);
  }
  std::size_t held() const { return held_.size(); }

  bool at_once = true;
  std::vector<std::string> bodies;
  record::Metadata metadata;

 private:
  std::vector<record::Done> held_;
};

std::string Message(std::string_view body, bool compressed = false) {
  std::string message(1, compressed ? '\1' : '\0');
  for (int shift = 24; shift >= 0; shift -= 8) message += static_cast<char>(body.size() >> shift);
  return message.append(body);
}

std::uint32_t Crc32(std::string_view text) {
  std::uint32_t crc = ~0U;
  for (const char c : text) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ (0xedb88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

// RFC 1952 around RFC 1951 of one 'a' and as many copies of 258 more as `repeats` says: 1,000 to 1.
// `claimed` is the size that the trailer tells.
std::string GzipOfA(std::size_t repeats, std::uint32_t claimed) {
  std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  std::uint32_t bits = 0;
  unsigned held = 0;
  const auto put = [&](unsigned value, unsigned count) {  // least significant bit first
    bits |= value << held;
    for (held += count; held >= 8; held -= 8, bits >>= 8U) gzip += static_cast<char>(bits & 0xffU);
  };
  const auto code = [&](unsigned value, unsigned count) {  // a Huffman code: most significant first
    while (count-- > 0) put(value >> count & 1U, 1);
  };
  put(0b011, 3);  // last block, fixed codes
  code(0x30 + 'a', 8);
  for (std::size_t i = 0; i < repeats; ++i) {
    code(0xc5, 8);  // a length of 258
    code(0, 5);     // at a distance of 1
  }
  code(0, 7);
  put(0, 7);
  const std::uint32_t crc = Crc32(std::string(1 + 258 * repeats, 'a'));
  for (unsigned shift = 0; shift < 32; shift += 8) gzip += static_cast<char>(crc >> shift);
  for (unsigned shift = 0; shift < 32; shift += 8) gzip += static_cast<char>(claimed >> shift);
  return gzip;
}

class OtlpDoorTest : public testing::Test {
 protected:
  // One client's connection and what it asked over it.
  struct Client {
    std::deque<Exchange::Seen> seen;  // outlives the streams that write it
    std::unique_ptr<net::Dial> dial;
    std::unique_ptr<http2::Transport> transport;
    Exchange* last = nullptr;
    bool closed = false;
  };

  OtlpDoorTest() { Open(64 << 20); }
  ~OtlpDoorTest() override { clients_.clear(); }

  void Open(std::uint64_t memory, OtlpDoor::Options options = {}) {
    door_.reset();
    relay_.reset();
    budget_ = record::MemoryBudget(memory);
    relay_.emplace(relay::Relay::Options{.host = "gw1.example", .ack = relay::AckMode::kEndToEnd},
                   budget_,
                   relay::Relay::Ways{.store = *kept_.store, .live = nullptr, .backends = sink_},
                   relay_metrics_);
    door_.emplace(OtlpDoor::Inside{loop_, scratch_, budget_, *relay_, log_.logger()}, options,
                  *net::Listen(*net::SocketAddress::FromIp("127.0.0.1", 0)));
  }

  bool RunUntil(const std::function<bool()>& done, base::Duration most = seconds(20)) {
    const base::Instant end = base::SystemClock().Now() + most;
    while (!done()) {
      if (base::SystemClock().Now() > end) return false;
      loop_.RunOnce(milliseconds(5));
      most_used_ = std::max(most_used_, budget_.used());
    }
    return true;
  }
  void Pass(base::Duration time) {
    for (base::Duration passed{0}; passed < time; passed += milliseconds(250)) {
      clock_.Advance(milliseconds(250));
      for (int turn = 0; turn < 3; ++turn) loop_.RunOnce(base::Duration::zero());
    }
  }

  Client& Connect() {
    Client& client = *clients_.emplace_back(std::make_unique<Client>());
    client.dial = std::make_unique<net::Dial>(
        loop_, resolver_, std::vector<net::HostPort>{{"127.0.0.1", door_->address().port()}},
        seconds(5), [this, &client](base::Result<net::Fd> socket) {
          ASSERT_TRUE(socket) << socket.error();
          client.transport = std::make_unique<http2::Transport>(
              loop_, *std::move(socket), nullptr, scratch_,
              std::make_unique<http2::Session>(http2::Session::Role::kClient,
                                               http2::Session::Options{}, nullptr),
              http2::Transport::Hooks{
                  .on_open = [] {},
                  .on_closed = [&client](const base::Error&) { client.closed = true; }});
          client.transport->Start();
        });
    EXPECT_TRUE(RunUntil([&client] { return client.transport != nullptr; }));
    return client;
  }
  Exchange::Seen& Ask(Client& client, std::string body, const std::vector<Field>& more = {},
                      bool waits = false, std::string_view path = kLogs) {
    std::vector<Field> headers = {{":method", "POST"},
                                  {":scheme", "http"},
                                  {":authority", "gw1"},
                                  {":path", path},
                                  {"content-type", "application/grpc"}};
    headers.insert(headers.end(), more.begin(), more.end());
    Exchange::Seen& seen = client.seen.emplace_back();
    auto stream =
        std::make_unique<Exchange>(seen, Exchange::Plan{.session = &client.transport->session(),
                                                        .body = std::move(body),
                                                        .waits = waits});
    client.last = stream.get();
    EXPECT_TRUE(client.transport->session().Request(std::move(stream), headers, true));
    client.transport->Flush();
    return seen;
  }
  static std::string Header(const Exchange::Seen& seen, std::string_view name) {
    for (const auto& [key, value] : seen.headers) {
      if (key == name) return value;
    }
    return "";
  }
  // Asks on a connection of its own and returns grpc-status once it is there.
  std::string Status(std::string body, const std::vector<Field>& more = {},
                     std::string_view path = kLogs) {
    Exchange::Seen& seen = Ask(Connect(), std::move(body), more, false, path);
    EXPECT_TRUE(RunUntil([&] { return seen.closed.has_value(); }, seconds(5)));
    message_ = Header(seen, "grpc-message");
    return Header(seen, "grpc-status");
  }
  void ExpectNothingHeld() {
    EXPECT_TRUE(RunUntil([this] { return budget_.used() == 0; }, seconds(2))) << budget_.used();
    EXPECT_EQ(budget_.waiting(), 0U);
    EXPECT_EQ(relay_->waiting(), 0U);
  }

  MovedClock clock_;
  base::EventLoop loop_{clock_};
  net::Scratch scratch_;
  net::Resolver resolver_{loop_};
  log::Capture log_;
  metrics::Registry registry_{"test"};
  relay::RelayMetrics relay_metrics_{registry_};
  record::MemoryBudget budget_{0};
  store::MemoryStore kept_{loop_, budget_, log_.logger()};
  HoldingSink sink_;
  std::optional<relay::Relay> relay_;
  std::optional<OtlpDoor> door_;
  std::deque<std::unique_ptr<Client>> clients_;
  std::string message_;
  std::uint64_t most_used_ = 0;
};

// === what is taken ===

TEST_F(OtlpDoorTest, TakesAnExportAndAnswersAsTheBackendDid) {
  sink_.at_once = false;
  Exchange::Seen& seen =
      Ask(Connect(), Message("export"), {{"x-tenant", "east"}, {"authorization", "secret"}});
  ASSERT_TRUE(RunUntil([&] { return sink_.held() == 1; }));
  EXPECT_THAT(sink_.bodies, testing::ElementsAre("export"));
  EXPECT_THAT(sink_.metadata, testing::ElementsAre(testing::Pair("x-tenant", "east")));
  EXPECT_EQ(budget_.used(), 6U);
  sink_.AnswerAll({.message = {}, .response = base::Bytes::Copy("partial")});
  ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }));
  EXPECT_EQ(Header(seen, "grpc-status"), "0");
  EXPECT_EQ(seen.body, Message("partial"));
  ExpectNothingHeld();
}

TEST_F(OtlpDoorTest, TakesEveryShapeOfAGoodMessage) {
  const std::string large(5 << 20, 'x');
  struct Case {
    const char* when;
    std::string message;
    bool gzip;
    std::string then;
  };
  const std::string a259(259, 'a');
  const Case kCases[] = {
      {"an empty message", Message(""), false, ""},
      {"a large one", Message(large), false, large},
      {"gzip", Message(GzipOfA(1, 259), true), true, a259},
      {"gzip of much", Message(GzipOfA(20'000, 5'160'001), true), true,
       std::string(5'160'001, 'a')},
      {"gzip that claims too little", Message(GzipOfA(1, 3), true), true, a259},
      {"gzip allowed and not used", Message("plain"), true, "plain"},
  };
  for (const Case& c : kCases) {
    sink_.bodies.clear();
    const std::string status = Status(
        c.message, c.gzip ? std::vector<Field>{{"grpc-encoding", "gzip"}} : std::vector<Field>{});
    // A size that is not the trailer's is damage (RFC 1952), and zlib finds it.
    const bool lies = std::string_view(c.when).find("claims") != std::string_view::npos;
    EXPECT_EQ(status, lies ? kInvalidArgument : "0") << c.when << ": " << message_;
    if (!lies) {
      ASSERT_THAT(sink_.bodies, SizeIs(1)) << c.when;
      EXPECT_TRUE(sink_.bodies[0] == c.then) << c.when;
    }
    ExpectNothingHeld();
  }
}

TEST_F(OtlpDoorTest, TakesAMessageThatComesByteByByte) {
  Client& client = Connect();
  Exchange::Seen& seen = Ask(client, "", {}, true);
  for (const char c : Message("slowly")) {
    client.last->Say(std::string(1, c));
    client.transport->Flush();
    for (int turn = 0; turn < 3; ++turn) loop_.RunOnce(base::Duration::zero());
  }
  client.last->End();
  client.transport->Flush();
  ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }));
  EXPECT_EQ(Header(seen, "grpc-status"), "0");
  EXPECT_THAT(sink_.bodies, testing::ElementsAre("slowly"));
}

// === what is refused ===

TEST_F(OtlpDoorTest, RefusesWhatIsWrongAndStaysOpen) {
  const std::vector<Field> gzip = {{"grpc-encoding", "gzip"}};
  struct Case {
    const char* when;
    std::string message;
    std::vector<Field> headers;
    std::string_view path;
    const char* then;
  };
  std::string cut_prefix("\0\0\0", 3);
  const Case kCases[] = {
      {"an unknown method", Message("x"), {}, "/x.Y/Z", "12"},
      {"an unknown encoding", Message("x"), {{"grpc-encoding", "zstd"}}, kLogs, "12"},
      {"a message above maxRecord",
       Message(std::string((16 << 20) + 1, 'x')),
       {},
       kLogs,
       kInvalidArgument},
      {"a message that claims four gigabytes",
       std::string("\0\xff\xff\xff\xff", 5),
       {},
       kLogs,
       kInvalidArgument},
      {"a message cut in its body", Message("whole").substr(0, 7), {}, kLogs, kInvalidArgument},
      {"a message cut in its prefix", cut_prefix, {}, kLogs, kInvalidArgument},
      {"no message", "", {}, kLogs, kInvalidArgument},
      {"two messages", Message("one") + Message("two"), {}, kLogs, kInvalidArgument},
      {"an empty message and one more byte", Message("") + "x", {}, kLogs, kInvalidArgument},
      {"compressed without an encoding",
       Message(GzipOfA(1, 259), true),
       {},
       kLogs,
       kInvalidArgument},
      {"a flag that nobody knows", "\2" + Message("x").substr(1), {}, kLogs, kInvalidArgument},
      {"no gzip at all", Message("not gzip", true), gzip, kLogs, kInvalidArgument},
      {"gzip of nothing", Message("", true), gzip, kLogs, kInvalidArgument},
      {"a bomb that tells its size", Message(GzipOfA(100'000, 25'800'001), true), gzip, kLogs,
       kInvalidArgument},
      {"a bomb that hides its size", Message(GzipOfA(100'000, 1), true), gzip, kLogs,
       kInvalidArgument},
      {"gzip that claims four gigabytes", Message(GzipOfA(1, 0xffffffffU), true), gzip, kLogs,
       kInvalidArgument},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Status(c.message, c.headers, c.path), c.then) << c.when;
    EXPECT_NE(message_, "") << c.when;
    ExpectNothingHeld();
  }
  EXPECT_THAT(sink_.bodies, testing::IsEmpty());
  EXPECT_EQ(Status(Message("good")), "0");
}

TEST_F(OtlpDoorTest, TellsAClientOfAnotherEncodingWhatItTakes) {
  Exchange::Seen& seen = Ask(Connect(), Message("x"), {{"grpc-encoding", "zstd"}});
  ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }));
  EXPECT_EQ(Header(seen, "grpc-accept-encoding"), "identity,gzip");
}

TEST_F(OtlpDoorTest, RefusesWhileItDrains) {
  Client& client = Connect();
  Exchange::Seen& before = Ask(client, "", {}, true);
  loop_.RunOnce(milliseconds(20));
  relay_->Drain();
  client.last->Say(Message("late"));
  client.last->End();
  client.transport->Flush();
  ASSERT_TRUE(RunUntil([&] { return before.closed.has_value(); }));
  EXPECT_EQ(Header(before, "grpc-status"), "14");
  EXPECT_NE(Header(before, "grpc-status-details-bin"), "") << "when to try again";
  Exchange::Seen& after = Ask(client, Message("later"));
  ASSERT_TRUE(RunUntil([&] { return after.closed.has_value(); }));
  EXPECT_EQ(Header(after, "grpc-status"), "14");
  door_->Drain();
  ASSERT_TRUE(RunUntil([&] { return client.closed; })) << "idle connections end";
  ExpectNothingHeld();
}

TEST_F(OtlpDoorTest, AnswersWhatWasDeliveredWhenItDrained) {
  sink_.at_once = false;
  Client& client = Connect();
  Exchange::Seen& seen = Ask(client, Message("export"));
  ASSERT_TRUE(RunUntil([&] { return sink_.held() == 1; }));
  door_->Drain();
  for (int turn = 0; turn < 5; ++turn) loop_.RunOnce(milliseconds(1));
  sink_.AnswerAll();
  ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }));
  EXPECT_EQ(Header(seen, "grpc-status"), "0");
}

// === memory ===

TEST_F(OtlpDoorTest, AcceptsTwoHundredClientsThatNeedMoreThanThereIs) {
  constexpr std::uint64_t kMemory = 16 << 20;
  Open(kMemory);
  const std::string body(400'000, 'x');  // 80 MB in all
  std::vector<Exchange::Seen*> asked;
  for (int i = 0; i < 200; ++i) asked.push_back(&Ask(Connect(), Message(body)));
  ASSERT_TRUE(RunUntil(
      [&] {
        return std::all_of(asked.begin(), asked.end(),
                           [](const auto* seen) { return seen->closed.has_value(); });
      },
      seconds(40)));
  for (const Exchange::Seen* seen : asked) EXPECT_EQ(Header(*seen, "grpc-status"), "0");
  EXPECT_THAT(sink_.bodies, SizeIs(200));
  // What comes before its memory is granted is bounded by half of the budget, on top.
  EXPECT_LE(most_used_, kMemory + kMemory / 2);
  ExpectNothingHeld();
}

TEST_F(OtlpDoorTest, LetsManyStreamsOfOneConnectionShareLittleMemory) {
  Open(1 << 20);
  Client& client = Connect();
  std::vector<Exchange::Seen*> asked;
  for (int i = 0; i < 12; ++i) asked.push_back(&Ask(client, Message(std::string(300'000, 'x'))));
  ASSERT_TRUE(RunUntil([&] {
    return std::all_of(asked.begin(), asked.end(),
                       [](const auto* seen) { return seen->closed.has_value(); });
  }));
  for (const Exchange::Seen* seen : asked) EXPECT_EQ(Header(*seen, "grpc-status"), "0");
  ExpectNothingHeld();
}

TEST_F(OtlpDoorTest, TellsAClientThatWaitedTooLongWhenToTryAgain) {
  Open(1 << 20);
  budget_.Force(1 << 20);
  Exchange::Seen& seen = Ask(Connect(), Message(std::string(100'000, 'x')));
  ASSERT_TRUE(RunUntil([&] { return budget_.waiting() == 1; }));
  Pass(seconds(4));
  EXPECT_FALSE(seen.closed.has_value());
  Pass(seconds(3));
  ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }));
  EXPECT_EQ(Header(seen, "grpc-status"), kExhausted);
  EXPECT_EQ(Header(seen, "grpc-status-details-bin"),
            RetryDetails({.code = record::AnswerCode::kResourceExhausted,
                          .message = Header(seen, "grpc-message"),
                          .retry_after = seconds(1),
                          .response = {}}));
  EXPECT_EQ(relay_metrics_.refused.value(), 1);
  budget_.Give(1 << 20);
  ExpectNothingHeld();
}

TEST_F(OtlpDoorTest, RefusesABodyThatWasCutWhileItWaitedForMemory) {
  Open(1 << 20);
  budget_.Force(1 << 20);
  Exchange::Seen& seen = Ask(Connect(), Message(std::string(100'000, 'x')).substr(0, 20'000));
  ASSERT_TRUE(RunUntil([&] { return budget_.waiting() == 1; }));
  for (int turn = 0; turn < 20; ++turn) loop_.RunOnce(milliseconds(1));
  budget_.Give(1 << 20);
  ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }, seconds(3)));
  EXPECT_EQ(Header(seen, "grpc-status"), kInvalidArgument);
  ExpectNothingHeld();
}

TEST_F(OtlpDoorTest, CountsTheWaitForMemoryFromItsBegin) {
  Open(1 << 20);
  Client& client = Connect();
  Exchange::Seen& seen = Ask(client, "", {{"grpc-encoding", "gzip"}}, true);
  const std::string message = Message(GzipOfA(100, 25'801), true);
  client.last->Say(message.substr(0, 20));
  client.transport->Flush();
  Pass(seconds(7));
  budget_.Force((1 << 20) - budget_.used());
  client.last->Say(message.substr(20));
  client.last->End();
  client.transport->Flush();
  ASSERT_TRUE(RunUntil([&] { return budget_.waiting() == 1; }));
  Pass(seconds(2));
  EXPECT_FALSE(seen.closed.has_value()) << "a slow body is no long wait for memory";
  Pass(seconds(5));
  ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }));
  EXPECT_EQ(Header(seen, "grpc-status"), kExhausted);
}

TEST_F(OtlpDoorTest, EndsAConnectionThatIsNotUsedAnyMore) {
  Open(1 << 20, {.idle_bound = seconds(60)});
  Client& idle = Connect();
  Client& busy = Connect();
  for (int i = 0; i < 3; ++i) {
    Exchange::Seen& seen = Ask(busy, Message("x"));
    if (i == 0) Ask(idle, Message("x"));
    ASSERT_TRUE(RunUntil([&] { return seen.closed.has_value(); }));
    Pass(seconds(40));
  }
  EXPECT_TRUE(RunUntil([&] { return idle.closed; }));
  EXPECT_FALSE(busy.closed);
}

TEST_F(OtlpDoorTest, HoldsNoMemoryForAClientThatNeverFinishes) {
  struct Case {
    const char* when;
    std::string sent;
  };
  const Case kCases[] = {
      {"nothing comes after the headers", ""},
      {"the prefix is cut", Message(std::string(1'000, 'x')).substr(0, 3)},
      {"the body does not come whole", Message(std::string(100'000, 'x')).substr(0, 50'000)},
      {"the body came and the client's side stays open", Message(std::string(1'000, 'x'))},
  };
  for (const Case& c : kCases) {
    Exchange::Seen& seen = Ask(Connect(), c.sent, {}, true);
    ASSERT_TRUE(RunUntil([&] { return budget_.used() > 0 || c.sent.size() < 5; })) << c.when;
    loop_.RunOnce(milliseconds(50));
    Pass(seconds(32));
    EXPECT_TRUE(RunUntil([&] { return seen.closed.has_value(); }, seconds(2))) << c.when;
    EXPECT_EQ(Header(seen, "grpc-status"), "4") << c.when;
    ExpectNothingHeld();
  }
}

TEST_F(OtlpDoorTest, GivesMemoryBackWhenAClientGoesAway) {
  struct Case {
    const char* when;
    std::size_t size;
    bool whole;
    bool full;  // nobody can have memory now
  };
  const Case kCases[] = {
      {"while its body comes", 500'000, false, false},
      {"while it waits for memory", 500'000, true, true},
      {"while its record is delivered", 1'000, true, false},
  };
  for (const Case& c : kCases) {
    Open(1 << 20);
    sink_.at_once = false;
    if (c.full) budget_.Force(1 << 20);
    const std::uint64_t before = budget_.used();
    const std::string message = Message(std::string(c.size, 'x'));
    Client& client = Connect();
    Ask(client, c.whole ? message : message.substr(0, message.size() / 2), {}, !c.whole);
    ASSERT_TRUE(RunUntil([&] {
      return c.full ? budget_.waiting() == 1
                    : budget_.used() > before && (!c.whole || sink_.held() == 1);
    })) << c.when;
    client.transport->Close(base::Fail(base::Code::kCancelled, "gone"));
    ASSERT_TRUE(RunUntil([&] { return door_->connections() == 0; })) << c.when;
    if (c.full) budget_.Give(1 << 20);
    sink_.AnswerAll();
    ExpectNothingHeld();
  }
}

TEST_F(OtlpDoorTest, ClosesAConnectionThatSaysNothing) {
  net::Fd silent =
      *net::StartConnect(*net::SocketAddress::FromIp("127.0.0.1", door_->address().port()));
  ASSERT_TRUE(RunUntil([&] { return door_->connections() == 1; }));
  Pass(seconds(9));
  EXPECT_EQ(door_->connections(), 1U);
  Pass(seconds(3));
  EXPECT_EQ(door_->connections(), 0U);
}

}  // namespace
}  // namespace postern::service
