// The frames of a link. docs/link-protocol.md is their specification; this is its code.
//
// A frame travels as one gRPC message on a lane (one HTTP/2 stream). Unknown frames are ignored, so
// that a newer peer may send more; what is known is checked to the last byte.
//
// Threads: immutable.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "sidecar/record/answer.h"
#include "sidecar/record/record.h"

namespace postern::lane {

inline constexpr std::uint64_t kProtocolVersion = 1;

// Whether a relay takes records: carried by every heartbeat.
enum class PeerState : std::uint8_t { kAccepting = 0, kFull = 1, kDraining = 2, kStoreFailed = 3 };

// Child to parent, first on the control lane.
struct Hello {
  std::uint64_t protocol = kProtocolVersion;
  std::string group;     // name of the management group
  std::string group_id;  // hash of its first root's key: the same name may be another group
  std::string host;      // who I am; must equal the certificate's name
  record::StoreId store{};
  std::uint64_t last_sequence = 0;  // highest ever assigned in this store
  std::vector<std::string> path;    // hosts below and including me
  std::int64_t clock_ms = 0;        // wall clock, to explain 20049; never decides anything
  std::uint64_t max_record = 0;
  std::uint64_t history = 0;  // bytes of plain text that I can keep for a lane
  bool operator==(const Hello&) const = default;
};

// Parent to child, the answer to Hello.
struct Welcome {
  std::uint64_t protocol = kProtocolVersion;
  std::string group;
  std::string group_id;
  std::string host;
  record::StoreId store{};        // the parent's own: another one does not know what went before
  std::uint64_t session = 0;      // names this Hello's successor state; Data must carry it
  std::uint64_t mark = 0;         // highest sequence of the child's store that is kept here
  std::uint32_t mark_crc = 0;     // CRC-32C of that record, 0 where none
  std::vector<std::string> path;  // hosts above and including the parent
  std::int64_t clock_ms = 0;
  std::uint64_t max_record = 0;  // bodies larger than this are never sent
  std::uint64_t history = 0;     // granted for each lane; 0: no prefix compression
  std::uint64_t credit = 0;      // as Credit::total
  bool operator==(const Welcome&) const = default;
};

// A run of records on the data or live lane. `payload` is what batch.h packs, zstd where
// compressed.
struct Batch {
  enum class Lane : std::uint8_t { kData, kLive };
  Lane lane = Lane::kLive;
  bool compressed = false;
  bool keep = false;  // live lane: to be answered once the parent keeps it, not from the end
  std::uint64_t session = 0;   // data lane only
  std::uint64_t first = 0;     // sequence (data) or number (live) of the first record
  std::uint64_t raw_size = 0;  // of the payload, plain: what it costs of the credit
  std::uint32_t crc = 0;       // CRC-32C of the plain payload: data lane, or compressed
  base::Bytes payload;
  bool operator==(const Batch&) const = default;
};

// Parent to child: every record of the store up to `through` is kept, or delivered.
struct Ack {
  std::uint64_t through = 0;
  bool operator==(const Ack&) const = default;
};

// Parent to child: one answer for `count` live records from `first` on.
struct LiveAck {
  std::uint64_t first = 0;
  std::uint64_t count = 1;
  record::Answer answer;
  bool operator==(const LiveAck&) const = default;
};

// Parent to child: batches may use up to `total` bytes of raw size since the link was opened.
// Child to parent: I would use up to `total`; `returned` bytes of what was granted I shall not use.
struct Credit {
  std::uint64_t total = 0;
  std::uint64_t returned = 0;
  bool operator==(const Credit&) const = default;
};

// A heartbeat; Pong repeats `stamp`.
struct Ping {
  std::uint64_t stamp = 0;
  PeerState state = PeerState::kAccepting;
  bool operator==(const Ping&) const = default;
};
struct Pong {
  std::uint64_t stamp = 0;
  PeerState state = PeerState::kAccepting;
  bool operator==(const Pong&) const = default;
};

// The sender is going away: move on within `grace`.
struct Drain {
  std::chrono::milliseconds grace{0};
  bool operator==(const Drain&) const = default;
};

// Parent to child, when it changes after Welcome: hosts above and including the parent, so that a
// loop shows to whoever is part of it, in whatever order its links were made.
struct Path {
  std::vector<std::string> hosts;
  bool operator==(const Path&) const = default;
};

struct Unknown {
  bool operator==(const Unknown&) const = default;
};

using Frame =
    std::variant<Unknown, Hello, Welcome, Batch, Ack, LiveAck, Credit, Ping, Pong, Drain, Path>;

// A path names at most this many hosts: more than a record may pass.
inline constexpr std::size_t kMaxPath = 16;

// Appends the frame as one gRPC message.
void AppendFrame(const Frame& frame, std::string& out);
// Appends a batch up to its payload, of which `payload_size` bytes follow from elsewhere.
void AppendBatch(const Batch& batch, std::size_t payload_size, std::string& out);

// Reads one message (without gRPC's prefix). kCorrupt names the frame that was wrong.
base::Result<Frame> ParseFrame(const base::Bytes& message);

// gRPC's prefix: a flag and the length.
inline constexpr std::size_t kMessagePrefix = 5;

}  // namespace postern::lane
