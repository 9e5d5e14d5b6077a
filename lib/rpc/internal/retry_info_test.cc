#include "lib/rpc/internal/retry_info.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/rpc/testing/fake_server.h"

namespace postern::rpc::internal {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST(ParseRetryInfo, ReadsWhatAServerWrites) {
  for (const milliseconds delay : {0ms, 1ms, 250ms, 1000ms, 90'500ms, 3'600'000ms}) {
    EXPECT_EQ(ParseRetryInfo(StatusWithRetryInfo(8, delay)), delay) << delay.count();
  }
}

// A status whose one detail has this Duration's bytes.
std::string StatusWithDuration(const std::string& duration) {
  const auto field = [](char tag, const std::string& bytes) {
    return std::string{tag, static_cast<char>(bytes.size())} + bytes;
  };
  const std::string any = field('\x0a', "type.googleapis.com/google.rpc.RetryInfo") +
                          field('\x12', field('\x0a', duration));
  return field('\x1a', any);
}

TEST(ParseRetryInfo, TakesOnlyWhatCanBeWaitedFor) {
  const struct {
    const char* when;
    std::string duration;
    std::optional<milliseconds> then;
  } kCases[] = {
      {"an empty duration is zero", "", 0ms},
      {"two seconds", "\x08\x02", 2000ms},
      {"a nanosecond is rounded up, never to zero", "\x10\x01", 1ms},
      {"a day is cut to an hour", "\x08\x80\xa3\x05", kLongestRetryAfter},
      {"the largest seconds are cut too", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
       kLongestRetryAfter},
      {"negative seconds are no delay", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
       std::nullopt},
      {"negative nanos are no delay", "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", std::nullopt},
      {"unknown fields are passed over",
       "\x1a\x01x\x21"
       "12345678"
       "\x2d"
       "1234"
       "\x08\x03",
       3000ms},
  };
  for (const auto& row : kCases) {
    EXPECT_EQ(ParseRetryInfo(StatusWithDuration(row.duration)), row.then) << row.when;
  }
}

TEST(ParseRetryInfo, FindsNothingInOtherBytes) {
  const struct {
    const char* when;
    std::string status;
  } kCases[] = {
      {"no bytes", ""},
      {"a status without details", "\x08\x0e\x12\x03no!"},
      {"a detail of another type",
       "\x1a\x08\x0a\x03"
       "a/b\x12\x01x"},
      {"a detail that is a number", "\x18\x05"},
      {"a length beyond the end", "\x1a\x7f\x0a"},
      {"a number that does not end", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
      {"a group", "\x1b\x1c"},
  };
  for (const auto& row : kCases) EXPECT_EQ(ParseRetryInfo(row.status), std::nullopt) << row.when;
}

TEST(ParseRetryInfo, PassesOverOtherDetails) {
  const std::string other =
      "\x1a\x08\x0a\x03"
      "a/b\x12\x01x";
  EXPECT_EQ(ParseRetryInfo(other + StatusWithRetryInfo(14, 5s)), 5000ms);
}

TEST(ParsePushback, TakesNumbersThatCanBeWaitedFor) {
  EXPECT_EQ(ParsePushback("0"), 0ms);
  EXPECT_EQ(ParsePushback("1500"), 1500ms);
  EXPECT_EQ(ParsePushback("2147483647"), kLongestRetryAfter);
  for (const char* other : {"", "-1", "soon", "12 ", "99999999999"}) {
    EXPECT_EQ(ParsePushback(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace postern::rpc::internal
