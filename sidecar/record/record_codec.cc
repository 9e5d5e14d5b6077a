#include "sidecar/record/record_codec.h"

#include <algorithm>
#include <utility>

#include "sidecar/record/wire.h"

namespace postern::record {

using base::Code;
using base::Fail;
using base::Result;

namespace {

constexpr unsigned kSignalMask = 0x03;
constexpr unsigned kPossibleRepeat = 0x04;
constexpr unsigned kHasMetadata = 0x08;
constexpr unsigned kHasOrigin = 0x10;
constexpr unsigned kHasSequence = 0x20;  // the sender's own store, but not the frame's number
constexpr unsigned kLastFlags = 0x3f;

void AppendOrigin(const Origin& origin, Writer& out) {
  out.Text(origin.member);
  out.Raw({reinterpret_cast<const char*>(origin.store.data()), origin.store.size()});
  out.Number(origin.sequence);
}

Origin ParseOrigin(Reader& in) {
  Origin origin;
  origin.member = in.Text(kMaxHostText);
  const std::string_view store = in.Raw(origin.store.size());
  std::copy(store.begin(), store.end(), origin.store.begin());
  origin.sequence = in.Number();
  return origin;
}

Result<Metadata> ParseMetadata(Reader& in) {
  const std::uint64_t entries = in.Number();
  if (entries > kMaxMetadataEntries) return Fail(Code::kCorrupt, "a record has too many headers");
  Metadata metadata;
  for (std::uint64_t i = 0; i < entries && in.ok(); ++i) {
    const std::string_view name = in.Text(kMaxMetadataText);
    metadata.emplace_back(name, in.Text(kMaxMetadataText));
  }
  return metadata;
}

}  // namespace

void AppendRecordHead(const Record& record, const Origin& sender, std::string& out) {
  const Origin& origin = record.origin;
  const bool foreign = origin.member != sender.member || origin.store != sender.store;
  const bool numbered = !foreign && origin.sequence != sender.sequence;
  unsigned flags = static_cast<unsigned>(record.signal);
  if (record.possible_repeat) flags |= kPossibleRepeat;
  if (!record.metadata.empty()) flags |= kHasMetadata;
  if (foreign) flags |= kHasOrigin;
  if (numbered) flags |= kHasSequence;
  Writer writer(out);
  writer.Byte(static_cast<std::uint8_t>(flags));
  writer.Byte(record.hops);
  if (foreign) AppendOrigin(origin, writer);
  if (numbered) writer.Number(origin.sequence);
  if (record.metadata.empty()) return;
  writer.Number(record.metadata.size());
  for (const auto& [name, value] : record.metadata) {
    writer.Text(name);
    writer.Text(value);
  }
}

Result<Record> ParseRecord(const base::Bytes& bytes, const Origin& sender) {
  Reader in(bytes.view());
  Record record;
  const unsigned flags = in.Byte();
  record.hops = in.Byte();
  const unsigned signal = flags & kSignalMask;
  if (flags > kLastFlags) return Fail(Code::kCorrupt, "a record has unknown flags");
  if (signal >= kSignals.size()) return Fail(Code::kCorrupt, "a record has an unknown signal");
  if (record.hops > kMaxHops) return Fail(Code::kCorrupt, "a record has passed too many links");
  record.signal = static_cast<Signal>(signal);
  record.possible_repeat = (flags & kPossibleRepeat) != 0;
  record.origin = (flags & kHasOrigin) != 0 ? ParseOrigin(in) : sender;
  if ((flags & kHasSequence) != 0) record.origin.sequence = in.Number();
  if ((flags & kHasMetadata) != 0) {
    ASSIGN_OR_RETURN(record.metadata, ParseMetadata(in));
  }
  if (!in.ok()) return Fail(Code::kCorrupt, "a record ends in the middle of its head");
  record.body = bytes.Slice(bytes.size() - in.rest().size());
  return record;
}

}  // namespace postern::record
