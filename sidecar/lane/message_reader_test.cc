#include "sidecar/lane/message_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/testing/matchers.h"

namespace postern::lane {
namespace {

using base::Code;
using base::HasCode;
using base::IsOk;

std::string Wrap(std::string_view message) {
  std::string wire(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) wire += static_cast<char>(message.size() >> shift);
  return wire.append(message);
}

struct Collector {
  base::Status Take(std::string_view chunk) {
    return reader.Take(chunk, [this](base::Bytes message) -> base::Status {
      messages.emplace_back(message.view());
      if (messages.back() == "stop") return base::Fail(Code::kDenied, "told to stop");
      return {};
    });
  }
  MessageReader reader{1'000};
  std::vector<std::string> messages;
};

const std::vector<std::string>& Messages() {
  static const std::vector<std::string> messages = {"",  "a", "bc", "", "", std::string(300, 'd'),
                                                    "e", ""};
  return messages;
}

std::string Wire() {
  std::string wire;
  for (const std::string& message : Messages()) wire += Wrap(message);
  return wire;
}

TEST(MessageReader, PutsMessagesTogetherFromChunksOfAnySize) {
  const std::string wire = Wire();
  for (std::size_t size = 1; size <= wire.size(); ++size) {
    Collector collector;
    for (std::size_t at = 0; at < wire.size(); at += size) {
      ASSERT_THAT(collector.Take(std::string_view(wire).substr(at, size)), IsOk());
    }
    EXPECT_EQ(collector.messages, Messages()) << "chunks of " << size;
    EXPECT_EQ(collector.reader.held(), 0U);
  }
}

TEST(MessageReader, PutsMessagesTogetherFromAnyTwoParts) {
  const std::string wire = Wire();
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    Collector collector;
    ASSERT_THAT(collector.Take(std::string_view(wire).substr(0, cut)), IsOk());
    ASSERT_THAT(collector.Take(std::string_view(wire).substr(cut)), IsOk());
    EXPECT_EQ(collector.messages, Messages()) << "cut at " << cut;
  }
}

TEST(MessageReader, EmptyMessageIsWholeWithItsPrefix) {
  Collector collector;
  ASSERT_THAT(collector.Take(Wrap("")), IsOk());
  EXPECT_EQ(collector.messages.size(), 1U);
}

TEST(MessageReader, RefusesMoreThanItsBoundBeforeTakingMemory) {
  Collector collector;
  ASSERT_THAT(collector.Take(Wrap(std::string(1'000, 'x'))), IsOk());
  EXPECT_THAT(collector.Take(Wrap(std::string(1'001, 'x')).substr(0, 5)), HasCode(Code::kInvalid));
  EXPECT_EQ(collector.reader.held(), 0U);
  Collector huge;
  EXPECT_THAT(huge.Take(std::string("\0\xff\xff\xff\xff", 5)), HasCode(Code::kInvalid));
}

TEST(MessageReader, NewBoundHoldsForMessagesThatBeginLater) {
  Collector collector;
  const std::string wire = Wrap(std::string(500, 'x'));
  ASSERT_THAT(collector.Take(wire.substr(0, 100)), IsOk());
  EXPECT_EQ(collector.reader.held(), 500U);
  collector.reader.set_max_message(100);
  ASSERT_THAT(collector.Take(wire.substr(100)), IsOk());
  EXPECT_THAT(collector.Take(wire), HasCode(Code::kInvalid));
}

TEST(MessageReader, RefusesGrpcCompression) {
  Collector collector;
  EXPECT_THAT(collector.Take(std::string("\1\0\0\0\0", 5)), HasCode(Code::kInvalid));
}

TEST(MessageReader, StopsAtTheFirstMessageThatFails) {
  Collector collector;
  EXPECT_THAT(collector.Take(Wrap("go") + Wrap("stop") + Wrap("on")), HasCode(Code::kDenied));
  EXPECT_EQ(collector.messages, (std::vector<std::string>{"go", "stop"}));
}

}  // namespace
}  // namespace postern::lane
