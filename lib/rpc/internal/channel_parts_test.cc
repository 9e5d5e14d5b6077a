#include "lib/rpc/internal/channel_parts.h"

#include <gtest/gtest.h>

#include <vector>

#include "lib/base/testing/matchers.h"

namespace postern::rpc::internal {
namespace {

using base::Bytes;
using base::Code;
using base::HasCode;
using base::IsOk;

TEST(ParseEndpoint, TakesHostAndPort) {
  const struct {
    const char* url = "";
    Endpoint then;
  } kCases[] = {
      {"http://collector:4317", {false, "dns:///collector:4317"}},
      {"https://otel.example.:443", {true, "dns:///otel.example.:443"}},
      {"http://127.0.0.1:1", {false, "dns:///127.0.0.1:1"}},
      {"https://[::1]:65535", {true, "dns:///[::1]:65535"}},
  };
  for (const auto& row : kCases) {
    POSTERN_ASSERT_OK_AND_ASSIGN(const Endpoint endpoint, ParseEndpoint(row.url));
    EXPECT_EQ(endpoint, row.then) << row.url;
  }
}

TEST(ParseEndpoint, RefusesOtherForms) {
  for (const char* url : {"", "collector:4317", "http://", "http://:4317", "http://collector",
                          "http://collector:", "http://collector:0", "http://collector:65536",
                          "http://collector:4317/v1/logs", "http://user@collector:4317",
                          "http://::1:4317", "grpc://collector:4317", "unix:/run/otel.sock",
                          "http://a b:1", "http://collector:43a", "HTTP://collector:4317"}) {
    EXPECT_THAT(ParseEndpoint(url), HasCode(Code::kInvalid)) << url;
  }
}

TEST(MakeCredentials, RefusesRootsWithoutACertificate) {
  EXPECT_THAT(MakeCredentials(true, "ca.crt"), HasCode(Code::kInvalid));
  EXPECT_THAT(MakeCredentials(true, ""), IsOk());
}

TEST(ByteBuffers, ShareTheMemoryOfBytes) {
  const Bytes bytes = Bytes::Copy(std::string(100'000, 'x'));
  std::vector<grpc::Slice> slices;
  {
    const grpc::ByteBuffer buffer = ToByteBuffer(bytes);
    ASSERT_TRUE(buffer.Dump(&slices).ok());
  }
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ(reinterpret_cast<const char*>(slices[0].begin()), bytes.view().data());
}

TEST(ByteBuffers, ComeBackAsTheyWere) {
  for (const std::string& text : {std::string(), std::string("a"), std::string(70'000, 'b')}) {
    const grpc::ByteBuffer buffer = ToByteBuffer(Bytes::Copy(text));
    EXPECT_TRUE(buffer.Valid());
    EXPECT_EQ(ToBytes(buffer).view(), text);
  }
  EXPECT_TRUE(ToBytes(grpc::ByteBuffer()).empty()) << "no message";
}

}  // namespace
}  // namespace postern::rpc::internal
