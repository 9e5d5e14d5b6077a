// PartialSuccess: the part of an OTLP answer that says what a backend took only in part.
//
//   ASSIGN_OR_RETURN(const PartialSuccess partial, ParseResponse(answer.response.view()));
//   rejected_items.Add(partial.rejected);
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace postern::otlp {

struct PartialSuccess {
  std::int64_t rejected = 0;  // log records, data points or spans; 0 with a message is a warning
  std::string message = {};   // for people

  bool operator==(const PartialSuccess&) const = default;
};

// Returns what an Export…ServiceResponse of any signal says; all zero where it says nothing, which
// is full success. kInvalid: no protobuf.
base::Result<PartialSuccess> ParseResponse(std::string_view protobuf);

// Returns the response that says it, as protobuf.
std::string SerializeResponse(const PartialSuccess& partial);

}  // namespace postern::otlp
