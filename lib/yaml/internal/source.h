// Source: the text of a YAML file as lines and bytes, and what can be refused by looking at it
// alone.
//
// yaml-cpp 0.7 reads on where it should stop: it takes bytes that are no UTF-8, tabs as indentation
// and quotes that are never closed. Source finds these in the text itself.
//
// Threads: immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/yaml/node.h"

namespace postern::yaml {

struct Finding {
  Mark mark;
  std::string what;
};

class Source {
 public:
  // `text` outlives this.
  explicit Source(std::string_view text);

  // Returns the text from `mark` on; empty where the mark lies outside.
  std::string_view From(Mark mark) const;
  // Returns the first thing in the text that no YAML file of ours may hold.
  std::optional<Finding> Refuse() const;
  // Whether the quoted scalar that begins at `mark` ends within the text.
  bool IsClosed(Mark mark) const;

 private:
  std::optional<Finding> RefuseLine(int number, std::string_view line) const;

  std::string_view text_;
  std::vector<std::size_t> starts_;  // of each line
};

}  // namespace postern::yaml
