#include "sidecar/lane/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/http2/testing/exchange.h"

namespace postern::lane {
namespace {

using base::Code;
using base::Error;
using base::Fail;
using base::IsOk;
using http2::Session;

// One end of a link: keeps what it is told, answers as the test said.
struct Side final : LaneUser {
  void OnLaneAsked(LaneStream& lane) override {
    asked.push_back(lane.lane());
    current = &lane;
    if (refusal) {
      lane.Refuse(*refusal);
    } else {
      lane.Accept();
    }
  }
  base::Status OnFrame(LaneStream&, Frame frame) override {
    frames.push_back(std::move(frame));
    return verdict;
  }
  void OnRoom(LaneStream& lane) override {
    if (to_send.empty()) return;
    AppendFrame(to_send.back(), lane.output().text());
    to_send.pop_back();
  }
  void OnLaneOver(LaneStream&, const Error& why) override {
    over = why;
    current = nullptr;
  }

  std::optional<Error> refusal;
  base::Status verdict;
  std::vector<Frame> to_send;
  std::vector<Lane> asked;
  std::vector<Frame> frames;
  std::optional<Error> over;
  LaneStream* current = nullptr;
};

class LaneStreamTest : public testing::Test {
 protected:
  void Open(Lane lane) {
    const auto opened = LaneStream::Open(child_, client_, lane, "ms1.example");
    ASSERT_THAT(opened, IsOk());
    child_.current = *opened;
  }
  // Carries bytes both ways until neither side has any.
  void Pump() {
    for (bool moved = true; moved;) {
      moved = Carry(client_, server_);
      moved = Carry(server_, client_) || moved;
    }
  }
  static bool Carry(Session& from, Session& to) {
    std::string wire;
    EXPECT_THAT(from.Fill(wire, 64 * 1024), IsOk());
    const auto taken = to.Receive(wire);
    EXPECT_THAT(taken, IsOk());
    return !wire.empty();
  }
  void Say(Side& side, const Frame& frame) {
    AppendFrame(frame, side.current->output().text());
    side.current->Wake();
  }

  Side child_;
  Side parent_;
  Session client_{Session::Role::kClient, {}, nullptr};
  Session server_{Session::Role::kServer, {}, [this] {
                    return std::make_unique<LaneStream>(parent_, server_);
                  }};
};

TEST_F(LaneStreamTest, AcceptedLaneCarriesFramesBothWays) {
  for (const Lane lane : kLanes) {
    parent_.asked.clear();
    parent_.frames.clear();
    child_.frames.clear();
    Open(lane);
    Say(child_, Ping{.stamp = 1});
    Pump();
    EXPECT_EQ(parent_.asked, std::vector{lane});
    ASSERT_EQ(parent_.frames.size(), 1U);
    EXPECT_TRUE(parent_.frames[0] == Frame(Ping{.stamp = 1}));
    Say(parent_, Pong{.stamp = 1});
    Say(parent_, Ack{.through = 7});
    Pump();
    ASSERT_EQ(child_.frames.size(), 2U);
    EXPECT_TRUE(child_.frames[1] == Frame(Ack{.through = 7}));
  }
  EXPECT_FALSE(child_.over || parent_.over);
}

TEST_F(LaneStreamTest, AsksForMoreWhenItHasRoom) {
  child_.to_send = {Ping{.stamp = 2}, Ping{.stamp = 1}};
  Open(Lane::kData);
  Pump();
  ASSERT_EQ(parent_.frames.size(), 2U);
  EXPECT_TRUE(parent_.frames[0] == Frame(Ping{.stamp = 1}));
  child_.to_send = {Ping{.stamp = 3}};
  Pump();
  EXPECT_EQ(parent_.frames.size(), 2U) << "nobody woke the lane";
  child_.current->Wake();
  Pump();
  EXPECT_EQ(parent_.frames.size(), 3U);
}

TEST_F(LaneStreamTest, RefusalReachesTheChildWithItsNumberAndSentence) {
  parent_.refusal = Fail(Code::kDenied, "100% of \"gw7\"\nis not registered: Zürich").As(21007);
  Open(Lane::kControl);
  Say(child_, Ping{.stamp = 1});
  Pump();
  ASSERT_TRUE(child_.over);
  EXPECT_EQ(child_.over->code(), Code::kDenied);
  EXPECT_EQ(child_.over->event(), 21007);
  // What could forge a line of a log is replaced.
  EXPECT_EQ(child_.over->message(), "the peer refused: 100% of \"gw7\"?is not registered: Z??rich");
  EXPECT_TRUE(parent_.frames.empty()) << "a refused child is not heard";
  ASSERT_TRUE(parent_.over);
  EXPECT_EQ(parent_.over->event(), 21007) << "the refuser's own reason";
  EXPECT_EQ(client_.stream_count() + server_.stream_count(), 0U);
}

TEST_F(LaneStreamTest, RefusalAfterAcceptReachesTheChildToo) {
  Open(Lane::kControl);
  Say(child_, Ping{.stamp = 1});
  Pump();
  ASSERT_EQ(parent_.frames.size(), 1U);
  parent_.current->Refuse(Fail(Code::kDenied, "Hello names another host").As(20052));
  Say(child_, Ping{.stamp = 2});
  Pump();
  ASSERT_TRUE(child_.over);
  EXPECT_EQ(child_.over->event(), 20052);
  EXPECT_EQ(child_.over->message(), "the peer refused: Hello names another host");
  EXPECT_EQ(parent_.frames.size(), 1U) << "a refused child is not heard";
  EXPECT_EQ(client_.stream_count() + server_.stream_count(), 0U);
}

TEST_F(LaneStreamTest, RefusalOfAnyLengthArrives) {
  parent_.refusal = Fail(Code::kDenied, std::string(5'000, '\xfc')).As(61001);
  Open(Lane::kControl);
  Pump();
  ASSERT_TRUE(child_.over);
  EXPECT_EQ(child_.over->event(), 61001);
}

TEST_F(LaneStreamTest, GarbageResetsTheLane) {
  struct Case {
    const char* when;
    std::string bytes;
    Code then;
  };
  const Case cases[] = {
      {"a message that is no frame", std::string("\0\0\0\0\1\4", 6), Code::kCorrupt},
      {"an empty message", std::string("\0\0\0\0\0", 5), Code::kCorrupt},
      {"a message that claims compression", std::string("\1\0\0\0\1x", 6), Code::kInvalid},
      {"a message that is too large", std::string("\0\1\0\0\0", 5), Code::kInvalid},
  };
  for (const Case& row : cases) {
    child_.over.reset();
    parent_.over.reset();
    Open(Lane::kControl);
    child_.current->output().text() += row.bytes;
    Say(child_, Ping{.stamp = 1});
    Pump();
    ASSERT_TRUE(parent_.over) << row.when;
    EXPECT_EQ(parent_.over->code(), row.then) << row.when;
    ASSERT_TRUE(child_.over) << row.when;
    EXPECT_EQ(child_.over->code(), Code::kUnavailable) << row.when;
  }
  EXPECT_TRUE(parent_.frames.empty()) << "nothing behind the garbage counts";
}

TEST_F(LaneStreamTest, FrameThatTheUserRefusesEndsTheLane) {
  parent_.verdict = Fail(Code::kDenied, "not on this lane");
  Open(Lane::kLive);
  Say(child_, Ping{.stamp = 1});
  Say(child_, Ping{.stamp = 2});
  Pump();
  EXPECT_EQ(parent_.frames.size(), 1U);
  EXPECT_EQ(parent_.over, Fail(Code::kDenied, "not on this lane"));
  EXPECT_TRUE(child_.over);
}

TEST_F(LaneStreamTest, TakesLargerMessagesOnceToldTo) {
  const Batch large{.lane = Batch::Lane::kData,
                    .first = 1,
                    .raw_size = 100'000,
                    .payload = base::Bytes::Copy(std::string(100'000, 'x'))};
  Open(Lane::kData);
  Pump();
  parent_.current->SetMostMessage(101'000);
  Say(child_, large);
  Pump();
  ASSERT_EQ(parent_.frames.size(), 1U);
  EXPECT_TRUE(parent_.frames[0] == Frame(large));
}

TEST_F(LaneStreamTest, UnknownPathIsRefused) {
  const std::array headers = {
      http2::Field{":method", "POST", true}, http2::Field{":scheme", "https", true},
      http2::Field{":authority", "x", true}, http2::Field{":path", "/postern.v1.Link/Other", true}};
  http2::Exchange::Seen seen;
  auto stranger = std::make_unique<http2::Exchange>(
      seen, http2::Exchange::Plan{
                .session = &client_, .body = "body, and then", .waits = true, .trailers = true});
  http2::Exchange& asking = *stranger;
  ASSERT_THAT(client_.Request(std::move(stranger), headers, true), IsOk());
  Pump();
  if (!seen.closed) asking.End();  // trailers after the answer
  Pump();
  EXPECT_TRUE(parent_.asked.empty());
  ASSERT_TRUE(parent_.over);
  EXPECT_EQ(parent_.over->code(), Code::kNotFound);
}

TEST_F(LaneStreamTest, ResetOfThePeerIsTold) {
  Open(Lane::kData);
  Pump();
  server_.Reset(*parent_.current, http2::ErrorCode::kCancel);
  Pump();
  ASSERT_TRUE(child_.over);
  EXPECT_NE(child_.over->message().find("HTTP/2 error 8"), std::string::npos) << *child_.over;
}

}  // namespace
}  // namespace postern::lane
