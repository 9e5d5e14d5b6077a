#include "lib/base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace postern::base {
namespace {

std::string Rising(int first, int step) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(first + i * step));
  return bytes;
}

TEST(Crc32c, AgreesWithTheVectorsOfRfc3720) {
  const struct {
    const char* what;
    std::string bytes;
    std::uint32_t crc;
  } kCases[] = {
      {"nothing", "", 0},
      {"the nine digits", "123456789", 0xE3069283},
      {"32 bytes of zeroes", std::string(32, '\0'), 0x8A9136AA},
      {"32 bytes of ones", std::string(32, '\xFF'), 0x62A8AB43},
      {"32 bytes that rise", Rising(0, 1), 0x46DD794E},
      {"32 bytes that fall", Rising(31, -1), 0x113FDB5C},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Crc32c(c.bytes), c.crc) << c.what;
    EXPECT_EQ(Crc32cByTable(c.bytes), c.crc) << c.what;
  }
}

TEST(Crc32c, GivesTheSameByInstructionAndByTableInAnyPieces) {
  std::mt19937_64 random(20240229);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::uint32_t whole = Crc32cByTable(bytes);
    const std::size_t cut = random() % (bytes.size() + 1);
    const std::string_view view = bytes;
    EXPECT_EQ(Crc32c(view), whole);
    EXPECT_EQ(Crc32c(view.substr(cut), Crc32c(view.substr(0, cut))), whole);
    EXPECT_EQ(Crc32cByTable(view.substr(cut), Crc32c(view.substr(0, cut))), whole);
  }
}

TEST(Crc32c, SeesEverySingleFlippedBit) {
  std::string bytes = "a batch of records";
  const std::uint32_t whole = Crc32c(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(Crc32c(bytes), whole) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

}  // namespace
}  // namespace postern::base
