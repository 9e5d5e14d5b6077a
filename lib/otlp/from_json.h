// FromJson: one export as OTLP/JSON text to protobuf, for clients that speak JSON.
//
//   ASSIGN_OR_RETURN(const std::string body, FromJson(Signal::kLogs, text));
//   … "resourceLogs[0].scopeLogs[2].logRecords[7].traceId: not hex digits in pairs"
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/otlp/signal.h"

namespace postern::otlp {

// Returns the export as protobuf. kInvalid, with the path of the first finding, where `text` is not
// JSON, has a value of the wrong kind or nests deeper than 100 messages.
//
// Takes what AppendJsonLine writes and, as proto3's JSON rules allow, integers of any width as
// numbers or strings, base64 of both alphabets and null for a field that is not there. Unknown keys
// are ignored; an enumeration's name is not a number and refused, as OTLP says. Memory is a
// multiple of `text`, so bound that first.
base::Result<std::string> FromJson(Signal signal, std::string_view text);

}  // namespace postern::otlp
