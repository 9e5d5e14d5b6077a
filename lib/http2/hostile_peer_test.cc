#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/http2/session.h"
#include "lib/http2/testing/exchange.h"
#include "lib/http2/testing/raw_frames.h"

namespace postern::http2 {
namespace {

using base::Code;

// A server whose peer sends what a test makes up.
class HostilePeer : public testing::Test {
 protected:
  // Returns why the session ended, or kUnavailable while it goes on.
  Code Send(std::string_view bytes) {
    const base::Status taken = server_.Receive(bytes);
    return taken ? Code::kUnavailable : taken.error().code();
  }
  Code SendAndListen(std::string_view bytes) {
    const Code code = Send(bytes);
    if (code == Code::kInvalid) return code;
    std::string out;
    EXPECT_THAT(server_.Fill(out, 1 << 20), base::IsOk());
    heard_ += out.size();
    EXPECT_EQ(server_.Finished(), server_.ending().code() == Code::kInvalid);
    return server_.ending().code();
  }

  std::vector<std::unique_ptr<Exchange::Seen>> seen_;
  std::size_t heard_ = 0;
  Session server_{Session::Role::kServer, {}, [this] {
                    seen_.push_back(std::make_unique<Exchange::Seen>());
                    return std::make_unique<Exchange>(
                        *seen_.back(), Exchange::Plan{.session = &server_, .most_headers = 32});
                  }};
};

TEST_F(HostilePeer, EndsTheSessionByBreakingTheProtocol) {
  using raw::Frame;
  struct Case {
    const char* when;
    std::string bytes;
  };
  const Case cases[] = {
      {"HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"no SETTINGS first", raw::Preface() + Frame(raw::kPing, 0, 0, "12345678")},
      {"data on stream 0", raw::Hello() + Frame(raw::kData, 0, 0, "x")},
      {"headers on stream 0", raw::Hello() + raw::Open(0)},
      {"a stream that only a server may open", raw::Hello() + raw::Open(2)},
      {"data on a stream that was never opened", raw::Hello() + Frame(raw::kData, 0, 7, "x")},
      {"a frame beyond 16 KiB",
       raw::Hello() + raw::Open(1) + Frame(raw::kData, 0, 1, std::string(16'385, 'x'))},
      {"CONTINUATION of nothing", raw::Hello() + Frame(raw::kContinuation, 4, 1, "")},
      {"headers that are cut short by another frame",
       raw::Hello() + Frame(raw::kHeaders, 0, 1, raw::Request()) +
           Frame(raw::kPing, 0, 0, "12345678")},
      {"an index that HPACK's table does not have",
       raw::Hello() + Frame(raw::kHeaders, raw::kEndHeaders, 1, "\xff\xff\xff\x0f")},
      {"a promise from a client",
       raw::Hello() + Frame(raw::kPushPromise, raw::kEndHeaders, 1, raw::Word(2))},
      {"settings of five bytes", raw::Preface() + Frame(raw::kSettings, 0, 0, "12345")},
      {"an initial window beyond 2^31",
       raw::Preface() + Frame(raw::kSettings, 0, 0, std::string("\0\4", 2) + raw::Word(1U << 31U))},
      {"a connection window of more than 2^31",
       raw::Hello() + Frame(raw::kWindowUpdate, 0, 0, raw::Word(0x7fffffff))},
      {"a window that grows by nothing",
       raw::Hello() + Frame(raw::kWindowUpdate, 0, 0, raw::Word(0))},
      {"a ping of three bytes", raw::Hello() + Frame(raw::kPing, 0, 0, "123")},
  };
  for (const Case& row : cases) {
    Session server(Session::Role::kServer, {}, [&] {
      seen_.push_back(std::make_unique<Exchange::Seen>());
      return std::make_unique<Exchange>(*seen_.back(), Exchange::Plan{.session = &server});
    });
    const base::Status taken = server.Receive(row.bytes);
    std::string out;
    EXPECT_THAT(server.Fill(out, 1 << 20), base::IsOk()) << row.when;
    const Code code = taken ? server.ending().code() : taken.error().code();
    EXPECT_EQ(code, Code::kInvalid) << row.when;
    EXPECT_TRUE(!taken || server.Finished()) << row.when;
  }
}

TEST_F(HostilePeer, IsToldTheReason) {
  ASSERT_EQ(SendAndListen(raw::Hello() + raw::Frame(raw::kData, 0, 0, "x")), Code::kInvalid);
  EXPECT_NE(server_.ending().message().find("PROTOCOL_ERROR"), std::string::npos)
      << server_.ending();
}

TEST_F(HostilePeer, MayEndTheSessionItself) {
  const std::string goodbye = raw::Frame(raw::kGoAway, 0, 0, raw::Word(0) + raw::Word(2));
  ASSERT_EQ(Send(raw::Hello() + goodbye), Code::kUnavailable);
  EXPECT_TRUE(server_.peer_is_leaving());
  EXPECT_NE(server_.ending().message().find("INTERNAL_ERROR"), std::string::npos);
}

struct Flood {
  const char* when;
  std::function<std::string(std::uint32_t)> frame;
};

// Up to a million frames of each kind; whoever sends them is cut off, or dealt with in no memory.
class Floods : public HostilePeer {
 protected:
  static constexpr std::uint32_t kMany = 1'000'000;
  static constexpr std::uint32_t kAtOnce = 500;

  // Returns after how many frames the session ended; `most` where it did not.
  std::uint32_t SurvivedBy(const Flood& flood, bool reads, std::uint32_t most = kMany) {
    Exchange::Seen seen;  // of all streams
    Session server(Session::Role::kServer, {}, [&] {
      seen = {};
      return std::make_unique<Exchange>(seen,
                                        Exchange::Plan{.session = &server, .most_headers = 32});
    });
    EXPECT_THAT(server.Receive(raw::Hello()), base::IsOk());
    std::uint32_t sent = 0;
    std::string out;
    for (; sent < most; sent += kAtOnce) {
      std::string bytes;
      for (std::uint32_t i = 0; i < kAtOnce; ++i) bytes += flood.frame(sent + i);
      if (!server.Receive(bytes)) break;
      EXPECT_LE(server.stream_count(), 128U) << flood.when;
      if (!reads) continue;
      out.clear();
      EXPECT_THAT(server.Fill(out, 1 << 20), base::IsOk());
      if (server.Finished()) break;
    }
    out.clear();
    EXPECT_THAT(server.Fill(out, 64 << 20), base::IsOk());
    EXPECT_LT(out.size(), 1U << 20U) << flood.when << ": what waited for a peer that does not read";
    return sent;
  }
};

std::uint32_t Odd(std::uint32_t i) { return 2 * i + 1; }

TEST_F(Floods, EndWhereTheyWouldCostMemory) {
  using raw::Frame;
  const Flood floods[] = {
      {"streams that are never ended", [](std::uint32_t i) { return raw::Open(Odd(i)); }},
      {"headers that never end",
       [](std::uint32_t i) {
         return i == 0 ? Frame(raw::kHeaders, 0, 1, raw::Request())
                       : Frame(raw::kContinuation, 0, 1, "\x90\x90\x90");
       }},
      {"empty parts of headers",
       [](std::uint32_t i) {
         return i == 0 ? Frame(raw::kHeaders, 0, 1, raw::Request())
                       : Frame(raw::kContinuation, 0, 1, "");
       }},
      {"streams with too many headers",
       [](std::uint32_t i) {
         return Frame(raw::kHeaders, raw::kEndHeaders, Odd(i),
                      raw::Request() + std::string(50, '\x90'));
       }},
  };
  for (const Flood& flood : floods) {
    EXPECT_LT(SurvivedBy(flood, false), kMany) << flood.when;
  }
}

TEST_F(Floods, OfStreamsThatAreResetAtOnceEnd) {
  const Flood flood = {"opened and reset", [](std::uint32_t i) {
                         return raw::Open(Odd(i)) +
                                raw::Frame(raw::kReset, 0, Odd(i), raw::Word(8));
                       }};
  EXPECT_LT(SurvivedBy(flood, true), kMany);
}

TEST_F(Floods, EndWhereAnswersAreNotRead) {
  using raw::Frame;
  const Flood floods[] = {
      {"pings", [](std::uint32_t) { return Frame(raw::kPing, 0, 0, "12345678"); }},
      {"settings", [](std::uint32_t) { return Frame(raw::kSettings, 0, 0, ""); }},
  };
  for (const Flood& flood : floods) {
    EXPECT_LT(SurvivedBy(flood, false), kMany) << flood.when;
    EXPECT_EQ(SurvivedBy(flood, true, 20'000), 20'000U) << flood.when << " are allowed";
  }
}

TEST_F(Floods, AreHarmlessWhereTheyCauseNothing) {
  using raw::Frame;
  const Flood floods[] = {
      {"priorities of streams that do not exist",
       [](std::uint32_t i) { return Frame(raw::kPriority, 0, Odd(i), raw::Word(0) + "x"); }},
      {"frames of an unknown kind", [](std::uint32_t) { return Frame(99, 0, 0, "what"); }},
      {"empty data",
       [](std::uint32_t i) { return i == 0 ? raw::Open(1) : Frame(raw::kData, 0, 1, ""); }},
  };
  for (const Flood& flood : floods) SurvivedBy(flood, false, 100'000);
}

}  // namespace
}  // namespace postern::http2
