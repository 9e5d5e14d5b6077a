// Exports with content of a real service's size and shape, each record with an id of its own, and
// the ids back from wherever the exports arrived: how a test counts what was lost or came twice.
//
//   const std::string body = MakeExport(Signal::kLogs, {.records = 100, .seed = 7});
//   EXPECT_THAT(RecordIds(Signal::kLogs, body), ElementsAreArray(SampleIds({.records = 100, .seed =
//   7})));
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/otlp/signal.h"

namespace postern::otlp {

struct Sample {
  std::size_t records = 1;
  std::uint32_t seed = 0;        // other seeds, other ids and other content
  std::size_t filler_bytes = 0;  // more text in each record, for exports of a wanted size
};

// Returns an Export…ServiceRequest, protobuf: one resource, one scope and that many log records,
// data points or spans. An export of one log record has about 332 bytes.
std::string MakeExport(Signal signal, const Sample& sample);

// Returns the ids of the records of MakeExport, in order.
std::vector<std::string> SampleIds(const Sample& sample);

// Returns the ids of all records of an export, in order, "" for a record without one; no ids at all
// where the bytes are no export.
std::vector<std::string> RecordIds(Signal signal, std::string_view protobuf);

// As RecordIds, of one line that AppendJsonLine wrote.
std::vector<std::string> RecordIdsOfJson(Signal signal, std::string_view line);

}  // namespace postern::otlp
