#include "lib/compress/gunzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

namespace postern::compress {
namespace {

using base::Code;

constexpr std::size_t kPlenty = std::size_t{16} * 1024 * 1024;

std::string Gzip(std::string_view plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Noise(std::size_t size) {
  std::mt19937_64 random(size);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random() % 64);
  return text;
}

TEST(Gunzip, ReturnsWhatWasCompressed) {
  Gunzipper gunzipper;
  for (const std::size_t size : {0, 1, 300, 16 * 1024, 16 * 1024 + 1, 1'000'000}) {
    const auto out = gunzipper.Gunzip(Gzip(Noise(size)), kPlenty);
    ASSERT_TRUE(out) << size << ": " << out.error();
    EXPECT_EQ(out->view(), Noise(size));
  }
}

TEST(Gunzip, ReadsSeveralMembersAsOneMessage) {
  Gunzipper gunzipper;
  const std::string members = Gzip("first, ") + Gzip("") + Gzip(Noise(100'000)) + Gzip("last");
  const auto out = gunzipper.Gunzip(members, kPlenty);
  ASSERT_TRUE(out) << out.error();
  EXPECT_EQ(out->view(), "first, " + Noise(100'000) + "last");
}

TEST(Gunzip, RefusesWhatIsNotWholeGzip) {
  const std::string whole = Gzip(Noise(1000));
  std::string flipped = whole;
  flipped[whole.size() / 2] = static_cast<char>(~flipped[whole.size() / 2]);
  std::string wrong_crc = whole;
  wrong_crc[whole.size() - 8] = static_cast<char>(~wrong_crc[whole.size() - 8]);
  std::string wrong_size = whole;
  wrong_size[whole.size() - 4] = static_cast<char>(wrong_size[whole.size() - 4] + 1);
  const struct {
    const char* when;
    std::string in;
  } kCases[] = {
      {"nothing came", ""},
      {"plain text came", "not compressed at all"},
      {"the header is cut", whole.substr(0, 5)},
      {"the body is cut", whole.substr(0, whole.size() / 2)},
      {"the trailer is cut", whole.substr(0, whole.size() - 1)},
      {"a byte of the body is damaged", flipped},
      {"the checksum is another text's", wrong_crc},
      {"the size is another text's", wrong_size},
      {"one byte follows", whole + "x"},
      {"zeroes follow, as tape blocks have it", whole + std::string(512, '\0')},
      {"the second member is cut", whole + whole.substr(0, 100)},
  };
  Gunzipper gunzipper;
  for (const auto& c : kCases) {
    const auto out = gunzipper.Gunzip(c.in, kPlenty);
    ASSERT_FALSE(out) << c.when;
    EXPECT_EQ(out.error().code(), Code::kCorrupt) << c.when << ": " << out.error();
  }
}

TEST(Gunzip, AllowsExactlyTheBound) {
  Gunzipper gunzipper;
  const std::string in = Gzip(Noise(50'000));
  EXPECT_TRUE(gunzipper.Gunzip(in, 50'000));
  const auto out = gunzipper.Gunzip(in, 49'999);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kExhausted);
  EXPECT_NE(out.error().message().find("allowed 49999 bytes"), std::string::npos) << out.error();
}

TEST(Gunzip, CountsTheMembersTogether) {
  Gunzipper gunzipper;
  const std::string in = Gzip(Noise(1000)) + Gzip(Noise(1000));
  EXPECT_TRUE(gunzipper.Gunzip(in, 2000));
  EXPECT_EQ(gunzipper.Gunzip(in, 1999).error().code(), Code::kExhausted);
}

TEST(Gunzip, StopsABombAtTheBound) {
  Gunzipper gunzipper;
  const std::string bomb = Gzip(std::string(8'000'000, '\0'));
  ASSERT_LT(bomb.size(), 10'000U);
  EXPECT_EQ(gunzipper.Gunzip(bomb, 1000).error().code(), Code::kExhausted);
}

TEST(Gunzip, GoesOnAfterAFailure) {
  Gunzipper gunzipper;
  const std::string good = Gzip("still works");
  EXPECT_FALSE(gunzipper.Gunzip(good.substr(0, 12), kPlenty));
  EXPECT_FALSE(gunzipper.Gunzip(good, 3));
  EXPECT_EQ(gunzipper.Gunzip(good, kPlenty)->view(), "still works");
}

}  // namespace
}  // namespace postern::compress
