// Batches: runs of records packed into the frames of a lane, and taken out again at its other end.
//
// A payload is, for each record: its size, its lead, its head and its body (docs/link-protocol.md).
// The lead is what a record needs beside its number: on the data lane the sequences skipped before
// it, on the live lane the milliseconds that its client still waits (0: no bound).
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/compress/lane_codec.h"
#include "lib/compress/lane_history.h"
#include "sidecar/lane/frame.h"
#include "sidecar/lane/output.h"
#include "sidecar/record/record.h"

namespace postern::lane {

// Who sends over a lane: with the record's number that is its origin on the first hop.
struct LaneSender {
  std::string host;
  record::StoreId store{};
};

// Packs one batch at a time for one lane.
class BatchPacker {
 public:
  // Batches are closed at about this size: small records share a frame, large ones do not wait.
  static constexpr std::size_t kBatchSize = 48 * 1024;

  BatchPacker(Batch::Lane lane, LaneSender sender, compress::LaneCodec& codec, std::size_t history);

  // At most what the record adds to the raw size of a batch.
  static std::size_t Bound(const record::Record& record);

  // Starts a batch with its first record, or adds the next one.
  void Add(std::uint64_t number, std::uint64_t lead, const record::Record& record);
  // On the live lane, of the batch that is started next: what Batch::keep says.
  void SetKeep(bool keep) { keep_ = keep; }
  bool keep() const { return keep_; }
  bool empty() const { return raw_size() == 0; }
  bool full() const { return raw_size() >= kBatchSize || !tail_.empty(); }
  // Of the plain payload so far: what the batch costs of the credit.
  std::size_t raw_size() const { return plain_.size() + tail_.size(); }
  // Appends the frame to `out`, compressed if `compress` and if that makes it smaller.
  void Finish(std::uint64_t session, bool compress, Output& out);

 private:
  bool Compress(Batch& batch);

  Batch::Lane lane_;
  LaneSender sender_;
  compress::LaneCodec& codec_;
  compress::LaneHistory history_;
  std::uint64_t first_ = 0;
  bool keep_ = false;
  std::string plain_;
  base::Bytes tail_;  // a large body at the end of the payload, not copied
  std::string squeezed_;
};

struct UnpackedRecord {
  std::uint64_t number = 0;
  std::uint64_t lead = 0;
  record::Record record;
};

// Unpacks the batches of one lane, in their order.
class BatchUnpacker {
 public:
  BatchUnpacker(LaneSender sender, compress::LaneCodec& codec, std::size_t history);

  // kCorrupt where the batch does not hold what it says, or more than `most` bytes.
  base::Result<std::vector<UnpackedRecord>> Unpack(const Batch& batch, std::size_t most);

 private:
  base::Result<base::Bytes> Plain(const Batch& batch, std::size_t most);

  LaneSender sender_;
  compress::LaneCodec& codec_;
  compress::LaneHistory history_;
};

}  // namespace postern::lane
