// Parse: JSON text (RFC 8259) from anybody to a Value, within bounds.
//
// Stricter than the RFC where it leaves room for two readings: a key that appears twice in an
// object is an error. No comments, no trailing commas, no NaN. Never throws and never recurses, so
// that text of a million brackets costs an error and no stack.
//
//   ASSIGN_OR_RETURN(const Value value, Parse(text));
//   … "2:9: duplicate key \"host\""
//
// Threads: any.
#pragma once

#include <cstddef>
#include <string_view>

#include "lib/base/result.h"
#include "lib/json/value.h"

namespace postern::json {

struct Bounds {
  std::size_t bytes = 1 << 20;
  // How many arrays and objects may be open at once. Printing, copying and destroying a Value
  // recurse this deep.
  std::size_t depth = 64;
};

// Returns the one value of `text`. kInvalid with "line:column: what" where it is not JSON, has a
// key twice, is nested deeper than `bounds.depth` or follows with more text; kExhausted where it is
// longer than `bounds.bytes`. The column counts bytes from 1. Messages repeat no values, only keys.
base::Result<Value> Parse(std::string_view text, const Bounds& bounds = {});

}  // namespace postern::json
