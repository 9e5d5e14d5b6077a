#include "sidecar/lane/batch.h"

#include <limits>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "sidecar/record/record_codec.h"
#include "sidecar/record/wire.h"

namespace postern::lane {

using base::Bytes;
using base::Code;
using base::Fail;
using base::Result;

namespace {

// From here on a body is sent from where it lies; below, a copy is cheaper than a piece of its own.
constexpr std::size_t kLargeBody = 16 * 1024;
// Flags, hops, size and lead: two bytes and two numbers.
constexpr std::size_t kHeadBound = 2 + 2 * 10;
// A packer closes a batch before that: each record has four bytes at least. Unpacked they are many
// times larger, which a peer must not use.
constexpr std::size_t kMostRecords = BatchPacker::kBatchSize / 4;
constexpr std::uint64_t kLastNumber = std::numeric_limits<std::uint64_t>::max();

}  // namespace

BatchPacker::BatchPacker(Batch::Lane lane, LaneSender sender, compress::LaneCodec& codec,
                         std::size_t history)
    : lane_(lane), sender_(std::move(sender)), codec_(codec), history_(history) {}

std::size_t BatchPacker::Bound(const record::Record& record) {
  std::size_t bound = kHeadBound + record.body.size();
  bound += record.origin.member.size() + record.origin.store.size() + 2 * 10;
  for (const auto& [name, value] : record.metadata) bound += name.size() + value.size() + 2 * 10;
  return bound;
}

void BatchPacker::Add(std::uint64_t number, std::uint64_t lead, const record::Record& record) {
  CHECK(tail_.empty(), "a large body ends its batch");
  if (empty()) first_ = number;
  std::string head;
  record::AppendRecordHead(
      record, {.member = sender_.host, .store = sender_.store, .sequence = number}, head);
  record::Writer writer(plain_);
  writer.Number(head.size() + record.body.size());
  writer.Number(lead);
  writer.Raw(head);
  if (record.body.size() >= kLargeBody) {
    tail_ = record.body;
  } else {
    writer.Raw(record.body.view());
  }
}

bool BatchPacker::Compress(Batch& batch) {
  plain_.append(tail_.view());
  squeezed_.clear();
  if (codec_.Compress(history_, plain_, squeezed_) == 0) {
    plain_.resize(plain_.size() - tail_.size());
    return false;
  }
  batch.compressed = true;
  batch.crc = base::Crc32c(plain_);
  batch.payload = Bytes::Copy(squeezed_);
  history_.Append(plain_);
  return true;
}

void BatchPacker::Finish(std::uint64_t session, bool compress, Output& out) {
  Batch batch{.lane = lane_,
              .keep = keep_,
              .session = session,
              .first = first_,
              .raw_size = raw_size(),
              .payload = {}};
  if (!compress || !Compress(batch)) {
    if (lane_ == Batch::Lane::kData) {
      batch.crc = base::Crc32c(tail_.view(), base::Crc32c(plain_));
    }
    // Only its size matters to the frame's head; the bytes follow from where they are.
    batch.payload = {};
  }
  AppendBatch(batch, batch.compressed ? batch.payload.size() : raw_size(), out.text());
  if (batch.compressed) {
    out.text().append(batch.payload.view());
  } else {
    out.text().append(plain_);
    out.Append(std::move(tail_));
  }
  plain_.clear();
  tail_ = {};
  // A lane outlives its largest record: what that one needed is not kept for all time.
  if (plain_.capacity() > 2 * kBatchSize) plain_.shrink_to_fit();
  if (squeezed_.capacity() > 2 * kBatchSize) std::string().swap(squeezed_);
}

BatchUnpacker::BatchUnpacker(LaneSender sender, compress::LaneCodec& codec, std::size_t history)
    : sender_(std::move(sender)), codec_(codec), history_(history) {}

Result<Bytes> BatchUnpacker::Plain(const Batch& batch, std::size_t most) {
  if (batch.raw_size > most) return Fail(Code::kCorrupt, "batch is larger than its credit");
  Bytes plain = batch.payload;
  if (batch.compressed) {
    base::BytesBuilder text(static_cast<std::size_t>(batch.raw_size));
    RETURN_IF_ERROR(codec_.Decompress(history_, batch.payload.view(), text.size(), text.FillAll()));
    plain = std::move(text).Finish();
    history_.Append(plain.view());
  }
  const bool checked = batch.compressed || batch.lane == Batch::Lane::kData;
  if (checked && base::Crc32c(plain.view()) != batch.crc) {
    return Fail(Code::kCorrupt, "batch does not match its checksum");
  }
  return plain;
}

Result<std::vector<UnpackedRecord>> BatchUnpacker::Unpack(const Batch& batch, std::size_t most) {
  ASSIGN_OR_RETURN(const Bytes plain, Plain(batch, most));
  std::vector<UnpackedRecord> records;
  record::Origin sender{.member = sender_.host, .store = sender_.store, .sequence = batch.first};
  record::Reader in(plain.view());
  std::uint64_t number = batch.first;
  while (!in.done()) {
    const std::uint64_t size = in.Number();
    const std::uint64_t lead = in.Number();
    const std::size_t start = plain.size() - in.rest().size();
    if (!in.ok() || size > in.rest().size()) {
      return Fail(Code::kCorrupt, "a record reaches beyond its batch");
    }
    in.Raw(static_cast<std::size_t>(size));
    if (batch.lane == Batch::Lane::kData) {
      if (lead > kLastNumber - number) return Fail(Code::kCorrupt, "a record's number is too high");
      number += lead;
    }
    sender.sequence = number;
    ASSIGN_OR_RETURN(
        record::Record record,
        record::ParseRecord(plain.Slice(start, static_cast<std::size_t>(size)), sender));
    if (records.size() == kMostRecords || number == kLastNumber) {
      return Fail(Code::kCorrupt, "a batch has too many records");
    }
    records.push_back({number, lead, std::move(record)});
    ++number;
  }
  if (!in.ok() || records.empty()) return Fail(Code::kCorrupt, "batch without a whole record");
  return records;
}

}  // namespace postern::lane
