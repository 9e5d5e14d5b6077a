// What goes into the log and what comes out of it: opaque bytes, and where they came from.
//
// Threads: immutable.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/bytes.h"

namespace postern::queue {

using StoreId = std::array<std::uint8_t, 16>;
// Made with the folder and told to nobody: what tells a group from bytes that only look like one.
using Tag = std::array<std::uint8_t, 8>;

// A child as a parent knows it: its member's name comes from its certificate, never from itself.
struct Sender {
  std::string member;
  StoreId store{};

  auto operator<=>(const Sender&) const = default;
};

// A record's identity on the link it came by. In the parent's log it is the mark as well: what is
// at or below the highest one of a sender came before.
struct Hop {
  Sender sender;
  std::uint64_t sequence = 0;
  std::uint32_t crc = 0;  // of the record, as Welcome tells it

  bool operator==(const Hop&) const = default;
};

// One record to append: its head and its body are written one behind the other and never joined,
// and are read back as one.
struct Entry {
  std::optional<Hop> hop;  // none: accepted by this relay itself
  std::string head;        // what its owner adds: a few bytes
  base::Bytes body;

  std::size_t size() const { return head.size() + body.size(); }
};

struct StoredEntry {
  std::uint64_t sequence = 0;
  std::uint64_t age = 0;  // the log's, in ms, when it was taken
  std::optional<Hop> hop;
  base::Bytes body;

  bool operator==(const StoredEntry&) const = default;
};

// What was taken from a cursor to make room: so many records of (after, through].
struct Evicted {
  std::string name;
  std::uint64_t after = 0;
  std::uint64_t through = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  // of their bodies

  bool operator==(const Evicted&) const = default;
};

}  // namespace postern::queue
