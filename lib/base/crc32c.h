// CRC-32C (Castagnoli): tells torn or damaged bytes in the log and on a lane from whole ones.
//
// Not a defence against somebody who forges bytes: that is TLS's part.
//
//   std::uint32_t crc = Crc32c(header);
//   crc = Crc32c(body, crc);   // the same as over header and body in one piece
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::base {

// Returns the checksum of `bytes`, continuing from `before`, the checksum of what stands in front.
// Uses the CPU's instruction where it has one (several GB/s), a table elsewhere.
std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before = 0);

// The table's way, whatever the CPU can do: the reference that tests hold the instruction to.
std::uint32_t Crc32cByTable(std::string_view bytes, std::uint32_t before = 0);

}  // namespace postern::base
