// A record as bytes: a short head, then the body as it is. The format is in docs/link-protocol.md.
//
//   AppendRecordHead(record, sender, out); out += record.body.view();
//   ASSIGN_OR_RETURN(Record record, ParseRecord(bytes, sender));
//
// Threads: immutable.
#pragma once

#include <string>

#include "lib/base/result.h"
#include "sidecar/record/record.h"

namespace postern::record {

// Bounds that a parser holds a peer to.
inline constexpr std::size_t kMaxMetadataEntries = 32;
inline constexpr std::size_t kMaxMetadataText = 4096;  // a name or a value
inline constexpr std::size_t kMaxHostText = 253;       // RFC 1035, section 2.3.4
inline constexpr unsigned kMaxHops = 8;

// Appends everything but the body. Where the record comes from the sender itself (the usual first
// hop) its origin costs no byte, or that of its sequence: the rest is known from the link.
void AppendRecordHead(const Record& record, const Origin& sender, std::string& out);

// Reads head and body; the body stays a slice of `bytes`. kCorrupt where the bytes are no record.
base::Result<Record> ParseRecord(const base::Bytes& bytes, const Origin& sender);

}  // namespace postern::record
