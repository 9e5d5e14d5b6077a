#include "lib/rpc/internal/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::rpc::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(LegalHeaders, KeepsOrderAndRepeats) {
  EXPECT_THAT(
      LegalHeaders({{"x-tenant", "a"}, {"authorization", "Bearer t"}, {"x-tenant", "b"}}),
      ElementsAre(Pair("x-tenant", "a"), Pair("authorization", "Bearer t"), Pair("x-tenant", "b")));
}

TEST(LegalHeaders, LeavesOutWhatGrpcWouldAbortOver) {
  const struct {
    const char* when;
    std::string name;
    std::string value;
  } kCases[] = {
      {"a pseudo-header", ":path", "/x"},
      {"gRPC's own", "grpc-timeout", "1S"},
      {"HTTP/2's own", "te", "trailers"},
      {"the framing", "content-length", "5"},
      {"the sender's name", "user-agent", "curl"},
      {"no name", "", "x"},
      {"a capital letter", "X-Tenant", "x"},
      {"a space in the name", "x tenant", "x"},
      {"a line break in the value", "x-tenant", "a\r\nx-admin: 1"},
      {"a zero byte in the value", "x-tenant", std::string("a\0b", 3)},
      {"UTF-8 in the value", "x-tenant", "\xc3\xa4"},
      {"a bad letter in base64", "x-key-bin", "a%bc"},
      {"base64 of five letters", "x-key-bin", "AAAAA"},
  };
  for (const auto& row : kCases) {
    EXPECT_THAT(LegalHeaders({{row.name, row.value}}), IsEmpty()) << row.when;
  }
}

TEST(LegalHeaders, DecodesBinaryValues) {
  EXPECT_THAT(LegalHeaders({{"a-bin", "Zg=="}, {"b-bin", "Zm8"}, {"c-bin", "AP+/"}, {"d-bin", ""}}),
              ElementsAre(Pair("a-bin", "f"), Pair("b-bin", "fo"),
                          Pair("c-bin", std::string("\x00\xff\xbf", 3)), Pair("d-bin", "")));
}

}  // namespace
}  // namespace postern::rpc::internal
