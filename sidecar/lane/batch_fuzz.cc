// A lane of two batches, as a peer makes them up: each is four bytes (lane and compression, raw
// size in two bytes, length) and a payload. Checksums are mended, or nothing would get behind them.
// What is unpacked stays within the bounds and packs to records that are the same again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "sidecar/lane/batch.h"

namespace {

using postern::base::Bytes;
using namespace postern::lane;

constexpr std::size_t kMost = 1U << 16U;

void CheckSame(const std::vector<UnpackedRecord>& records, Batch::Lane lane,
               postern::compress::LaneCodec& codec) {
  const LaneSender sender{.host = "gw1.example", .store = {1}};
  BatchPacker packer(lane, sender, codec, 0);
  for (const UnpackedRecord& one : records) {
    if (one.record.body.size() >= 16 * 1024 && &one != &records.back()) return;  // ends a batch
    packer.Add(one.number, &one == &records.front() && lane == Batch::Lane::kData ? 0 : one.lead,
               one.record);
  }
  Output output;
  packer.Finish(0, false, output);
  std::string wire;
  output.Take(output.size(), wire);
  const auto frame = ParseFrame(Bytes::Copy(wire.substr(kMessagePrefix)));
  CHECK(frame && std::holds_alternative<Batch>(*frame), "a packer prints batches");
  BatchUnpacker unpacker(sender, codec, 0);
  const auto again = unpacker.Unpack(std::get<Batch>(*frame), 2 * kMost);
  CHECK(again && again->size() == records.size(), "every record is there again");
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK((*again)[i].record == records[i].record, "a record comes back as it was packed");
    CHECK((*again)[i].number == records[i].number, "under its number");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static postern::compress::LaneCodec codec;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  BatchUnpacker unpacker({.host = "gw1.example", .store = {1}}, codec, 4096);
  for (int i = 0; i < 2 && in.size() >= 4; ++i) {
    const auto byte = [in](std::size_t at) { return static_cast<std::uint8_t>(in[at]); };
    Batch batch{.lane = (byte(0) & 1U) != 0 ? Batch::Lane::kData : Batch::Lane::kLive,
                .compressed = (byte(0) & 2U) != 0,
                .first = byte(0) & 0xf0U,
                .raw_size = byte(1) * 256U + byte(2),
                .payload = {}};
    const std::string_view payload = in.substr(4, i == 0 ? byte(3) : std::string_view::npos);
    in.remove_prefix(4 + payload.size());
    batch.payload = Bytes::Copy(payload);
    if (!batch.compressed) {
      batch.raw_size = payload.size();
      batch.crc = postern::base::Crc32c(payload);
    } else {
      std::string plain(batch.raw_size, '\0');
      if (!codec.Decompress(postern::compress::LaneHistory(0), payload, plain.size(),
                            plain.data())) {
        plain.clear();
      }
      batch.crc = postern::base::Crc32c(plain);
    }
    const auto records = unpacker.Unpack(batch, kMost);
    if (!records) continue;
    CHECK(!records->empty(), "a batch holds a record");
    CheckSame(*records, batch.lane, codec);
  }
  return 0;
}
