// What every link of a relay shares: its thread's tools, and its settings.
//
// Threads: loop.
#pragma once

#include <string>

#include "lib/base/loop.h"
#include "lib/compress/lane_codec.h"
#include "lib/log/logger.h"
#include "lib/net/connection.h"
#include "lib/net/resolver.h"
#include "sidecar/link/link_metrics.h"
#include "sidecar/record/record.h"

namespace postern::link {

struct LinkEnv {
  base::Loop& loop;
  net::Scratch& scratch;
  net::Resolver& resolver;
  compress::LaneCodec& codec;
  log::Logger& log;
  LinkMetrics& metrics;
};

enum class Compression : std::uint8_t { kAuto, kZstd, kNone };

struct LinkOptions {
  std::string group = "default";
  std::string host;  // who this relay is
  base::Duration dead_after = std::chrono::seconds(5);
  base::Duration connect_bound = std::chrono::seconds(30);  // TCP, TLS and Hello together
  Compression compression = Compression::kAuto;
  std::size_t max_record = 16 * 1024 * 1024;

  // Bytes of plain text that this relay keeps for a lane; both ends use the smaller of theirs.
  std::size_t History() const {
    return compression == Compression::kNone ? 0 : compress::LaneHistory::kMost;
  }
};

}  // namespace postern::link
