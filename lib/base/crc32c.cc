#include "lib/base/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace postern::base {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli's, lowest bit first

// kTables[k][b]: what byte b contributes when k more bytes follow it in the same step of eight.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

std::uint32_t Byte(char c) { return static_cast<unsigned char>(c); }

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t ByInstruction(std::string_view bytes,
                                                              std::uint32_t before) {
  std::uint64_t crc = ~before;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto crc32 = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left)
    crc32 = __builtin_ia32_crc32qi(crc32, static_cast<unsigned char>(*at));
  return ~crc32;
}

bool HasInstruction() { return __builtin_cpu_supports("sse4.2") != 0; }
#else
std::uint32_t ByInstruction(std::string_view bytes, std::uint32_t before) {
  return Crc32cByTable(bytes, before);
}

bool HasInstruction() { return false; }
#endif

}  // namespace

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before) {
  static const bool kHasInstruction = HasInstruction();
  return kHasInstruction ? ByInstruction(bytes, before) : Crc32cByTable(bytes, before);
}

std::uint32_t Crc32cByTable(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint32_t old = i < 4 ? (crc >> (8 * i)) & 0xFF : 0;
      next ^= kTables[7 - i][old ^ Byte(at[i])];
    }
    crc = next;
  }
  for (; left > 0; ++at, --left) crc = (crc >> 8) ^ kTables[0][(crc ^ Byte(*at)) & 0xFF];
  return ~crc;
}

}  // namespace postern::base
