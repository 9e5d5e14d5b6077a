#include "lib/http2/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/http2/testing/exchange.h"

namespace postern::http2 {
namespace {

using base::IsOk;
using testing::ElementsAre;
using testing::Pair;

// A client and a server session whose bytes a test carries by hand.
class SessionTest : public testing::Test {
 protected:
  SessionTest() { Connect({}, {}); }

  void Connect(const Session::Options& client, const Session::Options& server) {
    client_ = std::make_unique<Session>(Session::Role::kClient, client, nullptr);
    server_ = std::make_unique<Session>(Session::Role::kServer, server, [this] {
      accepted_.push_back(std::make_unique<Exchange::Seen>());
      auto stream = std::make_unique<Exchange>(*accepted_.back(), plan_);
      served_.push_back(stream.get());
      return stream;
    });
    plan_.session = server_.get();
  }

  Exchange::Seen& Ask(Exchange::Plan plan) {
    asked_.push_back(std::make_unique<Exchange::Seen>());
    plan.session = client_.get();
    auto stream = std::make_unique<Exchange>(*asked_.back(), plan);
    sent_.push_back(stream.get());
    EXPECT_THAT(client_->Request(std::move(stream), kRequest, plan.has_body), IsOk());
    return *asked_.back();
  }

  // Moves what one side has to say; returns whether it had anything.
  bool Carry(Session& from, Session& to, std::string& wire) {
    const std::size_t before = wire.size();
    EXPECT_THAT(from.Fill(wire, wire.size() + 16'384), IsOk());
    largest_fill_ = std::max(largest_fill_, wire.size() - before);
    EXPECT_THAT(to.Receive(wire), IsOk());
    const bool moved = !wire.empty();
    wire.clear();
    return moved;
  }
  void Pump() {
    for (bool moved = true; moved;) {
      moved = Carry(*client_, *server_, to_server_);
      moved = Carry(*server_, *client_, to_client_) || moved;
    }
  }

  static constexpr std::array<Field, 4> kRequest = {
      Field{":method", "POST", true}, Field{":scheme", "https", true},
      Field{":authority", "ms1.example", true}, Field{":path", "/x", true}};

  std::vector<std::unique_ptr<Exchange::Seen>> accepted_;
  std::vector<std::unique_ptr<Exchange::Seen>> asked_;
  std::vector<Exchange*> served_;
  std::vector<Exchange*> sent_;
  Exchange::Plan plan_;  // of the server's next stream
  std::string to_server_;
  std::string to_client_;
  std::size_t largest_fill_ = 0;
  std::unique_ptr<Session> client_;
  std::unique_ptr<Session> server_;
};

TEST_F(SessionTest, AnswersARequestWithABodyAndTrailers) {
  plan_ = {.session = server_.get(), .body = "answer", .trailers = true};
  const Exchange::Seen& client = Ask({.body = "question"});
  Pump();
  const Exchange::Seen& server = *accepted_.at(0);
  EXPECT_EQ(server.body, "question");
  EXPECT_THAT(server.headers, testing::Contains(Pair(":path", "/x")));
  EXPECT_EQ(client.body, "answer");
  EXPECT_THAT(client.headers, ElementsAre(Pair(":status", "200"), Pair("grpc-status", "0")));
  EXPECT_EQ(client.blocks, 2) << "headers, then trailers";
  EXPECT_TRUE(client.ended && server.ended);
  EXPECT_EQ(client.closed, ErrorCode::kNoError);
  EXPECT_EQ(server.closed, ErrorCode::kNoError);
  EXPECT_EQ(client_->stream_count() + server_->stream_count(), 0U);
}

TEST_F(SessionTest, AnswersARequestWithoutABody) {
  plan_.has_body = false;
  const Exchange::Seen& client = Ask({.has_body = false});
  Pump();
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(client.body, "");
  EXPECT_EQ(client.closed, ErrorCode::kNoError);
}

TEST_F(SessionTest, CarriesLargeBodiesThroughSmallWindows) {
  Connect({.stream_window = 65'535, .connection_window = 65'535},
          {.stream_window = 70'000, .connection_window = 100'000});
  std::string large;
  for (int i = 0; large.size() < 3'000'000; ++i) large += std::to_string(i);
  plan_.body = large;
  const Exchange::Seen& one = Ask({.body = large});
  const Exchange::Seen& two = Ask({.body = large});
  Pump();
  using All = std::initializer_list<const Exchange::Seen*>;
  for (const auto* seen : All{&one, &two, accepted_[0].get(), accepted_[1].get()}) {
    EXPECT_TRUE(seen->body == large);
    EXPECT_EQ(seen->closed, ErrorCode::kNoError);
  }
  EXPECT_LE(largest_fill_, 2 * 16'384U + 9 * 20) << "a fill ends at about what was asked for";
}

TEST_F(SessionTest, WaitingBodyGoesOnOnceResumed) {
  const Exchange::Seen& client = Ask({.body = "first", .waits = true});
  Pump();
  EXPECT_EQ(accepted_.at(0)->body, "first");
  EXPECT_FALSE(accepted_.at(0)->ended);
  sent_.at(0)->Say(" second");
  Pump();
  EXPECT_EQ(accepted_.at(0)->body, "first second");
  sent_.at(0)->End();
  Pump();
  EXPECT_TRUE(accepted_.at(0)->ended);
  EXPECT_EQ(client.closed, ErrorCode::kNoError);
}

TEST_F(SessionTest, WindowThatIsWidenedByHandHoldsABodyBack) {
  Connect({}, {.stream_window = 1'000, .widen_by_hand = true});
  Pump();  // the client learns of the window
  const Exchange::Seen& client = Ask({.body = std::string(5'000, 'x')});
  Pump();
  EXPECT_EQ(accepted_.at(0)->body.size(), 1'000U);
  server_->Widen(*served_.at(0), 4'000);
  Pump();
  EXPECT_EQ(accepted_.at(0)->body.size(), 5'000U);
  EXPECT_EQ(client.closed, ErrorCode::kNoError);
}

TEST_F(SessionTest, RefusesAStreamWithTooManyHeadersAndKeepsTheRest) {
  const Exchange::Seen& before = Ask({.body = "before", .waits = true});
  Pump();
  plan_.most_headers = 3;
  const Exchange::Seen& refused = Ask({.body = "x"});
  plan_.most_headers = 3;
  Pump();
  EXPECT_EQ(refused.closed, ErrorCode::kEnhanceYourCalm);
  EXPECT_EQ(accepted_.at(1)->closed, ErrorCode::kEnhanceYourCalm);
  EXPECT_EQ(accepted_.at(1)->headers.size(), 3U) << "no more are told once one was refused";
  EXPECT_EQ(accepted_.at(1)->blocks, 0);
  EXPECT_FALSE(before.closed);
  sent_.at(0)->End();
  Pump();
  EXPECT_EQ(before.closed, ErrorCode::kNoError);
}

TEST_F(SessionTest, NobodyToAcceptRefusesTheStream) {
  server_ = std::make_unique<Session>(Session::Role::kServer, Session::Options{},
                                      [] { return std::unique_ptr<Stream>(); });
  const Exchange::Seen& client = Ask({.body = "x"});
  Pump();
  EXPECT_EQ(client.closed, ErrorCode::kRefusedStream);
}

TEST_F(SessionTest, ResetEndsTheStreamOnBothSides) {
  const Exchange::Seen& client = Ask({.body = "x", .waits = true});
  const Exchange::Seen& other = Ask({.body = "y", .waits = true});
  Pump();
  client_->Reset(*sent_.at(0), ErrorCode::kCancel);
  Pump();
  EXPECT_EQ(client.closed, ErrorCode::kCancel);
  EXPECT_EQ(accepted_.at(0)->closed, ErrorCode::kCancel);
  EXPECT_FALSE(accepted_.at(0)->ended);
  EXPECT_FALSE(other.closed);
}

TEST_F(SessionTest, GoAwayLetsOpenStreamsFinish) {
  const Exchange::Seen& open = Ask({.body = "x", .waits = true});
  Pump();
  server_->GoAway();
  Pump();
  EXPECT_TRUE(client_->peer_is_leaving());
  EXPECT_FALSE(server_->Finished());
  EXPECT_FALSE(open.closed);
  sent_.at(0)->Say(" more");
  sent_.at(0)->End();
  Pump();
  EXPECT_EQ(open.closed, ErrorCode::kNoError);
  EXPECT_EQ(accepted_.at(0)->body, "x more");
  EXPECT_TRUE(server_->Finished());
  EXPECT_EQ(server_->ending().code(), base::Code::kUnavailable);
}

TEST_F(SessionTest, RequestToALeavingPeerDoesNotGetLost) {
  server_->GoAway();
  Pump();
  auto seen = std::make_unique<Exchange::Seen>();
  auto stream = std::make_unique<Exchange>(*seen, Exchange::Plan{.session = client_.get()});
  const base::Status asked = client_->Request(std::move(stream), kRequest, true);
  Pump();
  EXPECT_TRUE(!asked || seen->closed) << "a failure, or the stream's end, tells";
  EXPECT_EQ(client_->stream_count(), 0U);
  EXPECT_EQ(accepted_.size(), 0U);
}

TEST_F(SessionTest, OpensNoMoreStreamsThanThePeerAllows) {
  Connect({}, {.max_concurrent_streams = 2});
  Pump();  // the client learns of the limit
  for (int i = 0; i < 5; ++i) Ask({.body = "x", .waits = true});
  Pump();
  EXPECT_EQ(accepted_.size(), 2U);
  sent_.at(0)->End();
  Pump();
  EXPECT_EQ(accepted_.size(), 3U);
  EXPECT_EQ(server_->stream_count(), 2U);
}

TEST_F(SessionTest, DestroyedSessionClosesItsStreams) {
  const Exchange::Seen& client = Ask({.body = "x", .waits = true});
  Pump();
  client_ = nullptr;
  EXPECT_EQ(client.closed, ErrorCode::kCancel);
  EXPECT_FALSE(accepted_.at(0)->closed);
  server_ = nullptr;
  EXPECT_EQ(accepted_.at(0)->closed, ErrorCode::kCancel);
}

}  // namespace
}  // namespace postern::http2
