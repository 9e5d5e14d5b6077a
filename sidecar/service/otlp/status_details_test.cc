#include "sidecar/service/otlp/status_details.h"

#include <gtest/gtest.h>

namespace postern::service {
namespace {

using record::AnswerCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string Unbase64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    EXPECT_NE(value, std::string_view::npos) << c;
    bits = bits << 6U | static_cast<unsigned>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xffU);
  }
  return bytes;
}

// Written out once by hand from google/rpc/status.proto and error_details.proto, in base64.
TEST(RetryDetails, IsTheStatusThatGrpcClientsRead) {
  EXPECT_EQ(RetryDetails({.code = AnswerCode::kResourceExhausted,
                          .message = "full",
                          .retry_after = seconds(1),
                          .response = {}}),
            "CAgSBGZ1bGwaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAQ");
}

TEST(RetryDetails, TellsTheWaitInSecondsAndNanoseconds) {
  struct Case {
    milliseconds wait;
    std::string then;  // google.protobuf.Duration
  };
  const Case kCases[] = {
      {milliseconds(1), std::string("\x10\xc0\x84\x3d", 4)},
      {milliseconds(999), std::string("\x10\xc0\x8f\xae\xdc\x03", 6)},
      {milliseconds(1000), std::string("\x08\x01", 2)},
      {milliseconds(2500), std::string("\x08\x02\x10\x80\xca\xb5\xee\x01", 8)},
      {milliseconds(300'000), std::string("\x08\xac\x02", 3)},
  };
  for (const Case& c : kCases) {
    const std::string status = Unbase64(RetryDetails(
        {.code = AnswerCode::kUnavailable, .message = "m", .retry_after = c.wait, .response = {}}));
    const auto size = [](const std::string& bytes) {
      return std::string(1, static_cast<char>(bytes.size()));
    };
    const std::string info = "\x0a" + size(c.then) + c.then;
    const std::string type = "type.googleapis.com/google.rpc.RetryInfo";
    const std::string any = "\x0a" + size(type) + type + "\x12" + size(info) + info;
    EXPECT_EQ(status, "\x08\x0e\x12\x01m\x1a" + size(any) + any) << c.wait.count();
  }
}

}  // namespace
}  // namespace postern::service
