// Parse: YAML text from anybody to documents of Nodes, within bounds and without YAML's surprises.
//
// A subset that means the same to everybody. Refused, each with its line: anchors, aliases, tags,
// directives, tabs that indent, keys that are no words, a key twice in a map, nesting beyond 64,
// quotes that are not closed, control characters, more than 1 MiB. A plain word is null (nothing,
// ~, null, Null, NULL), a truth value (exactly true or false), a number (as JSON writes it), or
// else a string: on, off, yes, no, 0755, 0x10, 1_000, 12:30 and .5 stay what was written. Never
// throws.
//
//   ASSIGN_OR_RETURN(const std::vector<Document> documents, Parse(text, "gateway.yaml"));
//   … "gateway.yaml:7: \"host\": duplicate key; the first is in line 3"
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/yaml/node.h"

namespace postern::yaml {

inline constexpr std::size_t kMaxBytes = 1 << 20;
inline constexpr std::size_t kMaxDepth = 64;

struct Document {
  std::string file_name;
  Node root;
};

// Returns the documents of `text` in order, without those that hold nothing (a lone `---`): the
// list may be empty. Every document but the first begins with `---`. `file_name` is only for
// messages. kInvalid with "file:line: what; remedy", of the first thing that is wrong; kExhausted
// where the text is too long.
base::Result<std::vector<Document>> Parse(std::string_view text, std::string_view file_name);

}  // namespace postern::yaml
