#include "lib/otlp/partial_success.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::otlp {
namespace {

TEST(ParseResponse, GivesBackWhatWasSerialized) {
  const PartialSuccess cases[] = {{}, {.rejected = 3, .message = "too old"}, {.message = "a hint"}};
  for (const PartialSuccess& partial : cases) {
    const auto parsed = ParseResponse(SerializeResponse(partial));
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(*parsed, partial);
  }
}

TEST(ParseResponse, TakesNothingAsFullSuccess) {
  EXPECT_EQ(SerializeResponse({}), "");
  EXPECT_EQ(ParseResponse(""), PartialSuccess());
}

TEST(ParseResponse, ReadsTheCountBesideAMessageThatIsNoUtf8) {
  EXPECT_EQ(ParseResponse("\x0A\x05\x08\x07\x12\x01\xFF"),
            (PartialSuccess{.rejected = 7, .message = "\xFF"}));
}

TEST(ParseResponse, IgnoresUnknownFields) {
  EXPECT_EQ(ParseResponse({"\x10\x01\x0A\x04\x08\x07\x18\x01", 8}), PartialSuccess{.rejected = 7});
}

TEST(ParseResponse, RefusesWhatIsNoProtobuf) {
  for (const char* bytes : {"\x0A\x05\x08", "\x0A\x01\x08", "<html>"}) {
    const auto parsed = ParseResponse(bytes);
    ASSERT_FALSE(parsed) << bytes;
    EXPECT_EQ(parsed.error().code(), base::Code::kInvalid);
  }
}

}  // namespace
}  // namespace postern::otlp
