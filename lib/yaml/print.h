// Print: a json::Value as YAML text in block style, for people and for what reads YAML.
//
//   Print(json::Object{{"host", "gw1"}, {"ports", json::Array{4317, 4318}}})
//   // host: gw1
//   // ports:
//   //   - 4317
//   //   - 4318
//
// Threads: any.
#pragma once

#include <string>

#include "lib/json/value.h"

namespace postern::yaml {

// Returns text, with a line break at its end, that Parse and every other reader of YAML take for
// the same value: a string that somebody could take for anything else is in quotes.
std::string Print(const json::Value& value);

}  // namespace postern::yaml
