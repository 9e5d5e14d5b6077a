#include "sidecar/lane/frame.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "sidecar/record/wire.h"

namespace postern::lane {
namespace {

using base::Bytes;
using base::Code;
using base::HasCode;
using base::Result;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// The message that AppendFrame made, without gRPC's prefix, which must tell its size.
Bytes MessageOf(const Frame& frame) {
  std::string out = "before";
  AppendFrame(frame, out);
  out.erase(0, 6);
  EXPECT_EQ(out[0], 0) << "not compressed";
  std::size_t size = 0;
  for (std::size_t i = 1; i < kMessagePrefix; ++i)
    size = size << 8U | static_cast<std::uint8_t>(out[i]);
  EXPECT_EQ(size, out.size() - kMessagePrefix);
  return Bytes::Copy(out.substr(kMessagePrefix));
}

record::StoreId Store(std::uint8_t first) {
  record::StoreId store{};
  for (std::size_t i = 0; i < store.size(); ++i) store[i] = static_cast<std::uint8_t>(first + i);
  return store;
}

const std::vector<Frame>& Samples() {
  static const std::vector<Frame> samples = {
      Hello{},
      Hello{.group = "east",
            .group_id = "sha256:abc",
            .host = "gw1.example",
            .store = Store(1),
            .last_sequence = kMost,
            .path = {"agent1.example", "gw1.example"},
            .clock_ms = -1,
            .max_record = 16 << 20,
            .history = 32 << 10},
      Welcome{},
      Welcome{.group = "east",
              .group_id = "sha256:abc",
              .host = "ms1.example",
              .store = Store(200),
              .session = 7,
              .mark = 1ULL << 40U,
              .mark_crc = 0xdeadbeef,
              .path = std::vector<std::string>(16, std::string(253, 'a')),
              .clock_ms = 1'800'000'000'000,
              .max_record = kMost,
              .history = kMost,
              .credit = kMost},
      Batch{.lane = Batch::Lane::kLive, .first = 1, .raw_size = 3, .payload = Bytes::Copy("abc")},
      Batch{.lane = Batch::Lane::kLive,
            .compressed = true,
            .first = kMost,
            .raw_size = 1'000,
            .crc = 1,
            .payload = Bytes::Copy("abc")},
      Batch{.lane = Batch::Lane::kLive,
            .keep = true,
            .first = 1,
            .raw_size = 3,
            .payload = Bytes::Copy("abc")},
      Batch{.lane = Batch::Lane::kLive,
            .compressed = true,
            .keep = true,
            .first = 2,
            .raw_size = 1'000,
            .crc = 1,
            .payload = Bytes::Copy("abc")},
      Batch{.lane = Batch::Lane::kData,
            .session = 9,
            .first = 1,
            .raw_size = 0,
            .crc = 0xffffffff,
            .payload = {}},
      Batch{.lane = Batch::Lane::kData,
            .compressed = true,
            .session = kMost,
            .first = 2,
            .raw_size = kMost,
            .crc = 3,
            .payload = Bytes::Copy("x")},
      Ack{.through = kMost},
      LiveAck{.first = 1, .count = 100, .answer = {}},
      LiveAck{.first = 5,
              .answer = {.code = record::AnswerCode::kResourceExhausted,
                         .message = "the queue is full",
                         .retry_after = std::chrono::milliseconds(1'500),
                         .response = {}}},
      LiveAck{.first = 5,
              .answer = {.code = record::AnswerCode::kOk,
                         .message = "",
                         .response = Bytes::Copy("partial")}},
      Credit{.total = kMost, .returned = 0},
      Credit{.total = 0, .returned = kMost},
      Ping{.stamp = kMost, .state = PeerState::kStoreFailed},
      Pong{.stamp = 1, .state = PeerState::kDraining},
      Drain{.grace = std::chrono::seconds(30)},
      Path{},
      Path{.hosts = {"ms1.example", "ms2.example"}},
  };
  return samples;
}

TEST(Frame, ComesBackAsItWasSent) {
  for (const Frame& frame : Samples()) {
    const Result<Frame> back = ParseFrame(MessageOf(frame));
    ASSERT_THAT(back, base::IsOk()) << frame.index();
    EXPECT_TRUE(*back == frame) << "kind " << frame.index();
  }
}

TEST(Frame, PayloadIsNotCopied) {
  const Bytes message = MessageOf(
      Batch{.lane = Batch::Lane::kLive, .first = 1, .raw_size = 3, .payload = Bytes::Copy("abc")});
  const auto batch = std::get<Batch>(*ParseFrame(message));
  EXPECT_EQ(batch.payload.view().data(), message.view().data() + message.size() - 3);
}

TEST(Frame, CutAnywhereIsCorruptOrStillAWholeBatch) {
  for (const Frame& frame : Samples()) {
    const Bytes message = MessageOf(frame);
    for (std::size_t size = 0; size < message.size(); ++size) {
      const Result<Frame> cut = ParseFrame(message.Slice(0, size));
      // A payload ends where the message ends, and the usual answer before its details.
      if (cut && (std::holds_alternative<Batch>(*cut) || std::holds_alternative<LiveAck>(*cut))) {
        continue;
      }
      EXPECT_THAT(cut, HasCode(Code::kCorrupt)) << frame.index() << " cut to " << size;
    }
  }
}

TEST(Frame, BytesLeftOverAreCorrupt) {
  for (const Frame& frame : Samples()) {
    if (std::holds_alternative<Batch>(frame)) continue;  // its payload takes them
    const std::string longer = std::string(MessageOf(frame).view()) + "x";
    EXPECT_THAT(ParseFrame(Bytes::Copy(longer)), HasCode(Code::kCorrupt)) << frame.index();
  }
}

TEST(Frame, UnknownFlagsAreIgnored) {
  const Batch known{
      .lane = Batch::Lane::kLive, .first = 1, .raw_size = 3, .payload = Bytes::Copy("abc")};
  std::string bytes(MessageOf(known).view());
  bytes[1] = static_cast<char>(bytes[1] | '\xfc');
  EXPECT_EQ(std::get<Batch>(*ParseFrame(Bytes::Copy(bytes))), known);
  const Batch data{.lane = Batch::Lane::kData, .session = 1, .first = 1, .payload = {}};
  bytes = MessageOf(data).view();
  bytes[1] = '\x02';
  EXPECT_EQ(std::get<Batch>(*ParseFrame(Bytes::Copy(bytes))), data) << "always kept";
}

TEST(Frame, UnknownKindsAreIgnored) {
  for (int kind : {0, 12, 42, 255}) {
    const std::string bytes = std::string(1, static_cast<char>(kind)) + "whatever it may mean";
    const Result<Frame> frame = ParseFrame(Bytes::Copy(bytes));
    ASSERT_THAT(frame, base::IsOk()) << kind;
    EXPECT_TRUE(std::holds_alternative<Unknown>(*frame)) << kind;
  }
}

std::string Numbers(std::uint8_t kind, const std::vector<std::uint64_t>& numbers) {
  std::string bytes(1, static_cast<char>(kind));
  record::Writer writer(bytes);
  for (const std::uint64_t number : numbers) writer.Number(number);
  return bytes;
}

std::string HelloWithPath(std::uint64_t claimed, std::size_t hosts) {
  std::string bytes(1, '\x01');
  record::Writer writer(bytes);
  writer.Number(1);
  for (int i = 0; i < 3; ++i) writer.Text("x");
  writer.Raw(std::string(16, 's'));
  writer.Number(0);
  writer.Number(claimed);
  for (std::size_t i = 0; i < hosts; ++i) writer.Text("h");
  for (int i = 0; i < 3; ++i) writer.Number(0);
  return bytes;
}

std::string HelloWithHost(std::size_t size) {
  std::string bytes(1, '\x01');
  record::Writer writer(bytes);
  writer.Number(1);
  writer.Text("group");
  writer.Text("id");
  writer.Text(std::string(size, 'h'));
  writer.Raw(std::string(16, 's'));
  for (int i = 0; i < 5; ++i) writer.Number(0);
  return bytes;
}

TEST(Frame, MalformedOnesAreCorrupt) {
  struct Case {
    const char* when;
    std::string bytes;
  };
  const Case cases[] = {
      {"nothing at all", ""},
      {"an acknowledgement of nothing", "\x04"},
      {"a number that never ends", "\x04" + std::string(20, '\xff')},
      {"a number beyond 64 bits", "\x04" + std::string(9, '\xff') + "\x7f"},
      {"credit with one number", Numbers(7, {1})},
      {"credit with three numbers", Numbers(7, {1, 2, 3})},
      {"a ping without its state", Numbers(8, {1})},
      {"a batch without its first number", std::string("\x05\x00", 2)},
      {"a stored batch without its checksum", std::string("\x03\x00\x01\x01\x00\x00", 6)},
      {"a host name beyond 253 bytes", HelloWithHost(254)},
      {"a path of 17 hosts", HelloWithPath(17, 17)},
      {"a path that claims more hosts than may be", HelloWithPath(1'000'000, 16)},
      {"a path that claims more hosts than there are", HelloWithPath(5, 4)},
  };
  for (const Case& row : cases) {
    EXPECT_THAT(ParseFrame(Bytes::Copy(row.bytes)), HasCode(Code::kCorrupt)) << row.when;
  }
  EXPECT_THAT(ParseFrame(Bytes::Copy(HelloWithHost(253))), base::IsOk());
  EXPECT_THAT(ParseFrame(Bytes::Copy(HelloWithPath(16, 16))), base::IsOk());
}

TEST(Frame, WhatIsBeyondOurUnderstandingIsReadCarefully) {
  const auto ping = std::get<Ping>(*ParseFrame(Bytes::Copy(Numbers(8, {1, 9}))));
  EXPECT_EQ(ping.state, PeerState::kDraining) << "a state of a newer peer";
  const auto ack = std::get<LiveAck>(*ParseFrame(Bytes::Copy(Numbers(6, {1, 1, 99}))));
  EXPECT_EQ(ack.answer.code, record::AnswerCode::kUnknown) << "a code that gRPC does not have";
  const auto drain = std::get<Drain>(*ParseFrame(Bytes::Copy(Numbers(10, {kMost}))));
  EXPECT_EQ(drain.grace, std::chrono::hours(24)) << "no longer than a day";
}

TEST(Frame, LongAnswersAreShortenedToWhatAPeerTakes) {
  const LiveAck ack{.first = 1,
                    .answer = {.code = record::AnswerCode::kInternal,
                               .message = std::string(5'000, 'm'),
                               .response = Bytes::Copy(std::string(70'000, 'r'))}};
  const auto back = std::get<LiveAck>(*ParseFrame(MessageOf(ack)));
  EXPECT_EQ(back.answer.message, std::string(1024, 'm'));
  EXPECT_TRUE(back.answer.response.empty());
}

TEST(Frame, OrdinaryOnesAreSmall) {
  EXPECT_LE(MessageOf(Ack{.through = 1'000'000}).size(), 4U);
  EXPECT_LE(MessageOf(LiveAck{.first = 1'000, .count = 10, .answer = {}}).size(), 5U);
  EXPECT_LE(MessageOf(Credit{.total = 1 << 20}).size(), 5U);
}

}  // namespace
}  // namespace postern::lane
