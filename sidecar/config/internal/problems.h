// Problems: what is wrong with one file, gathered so that its author mends all of it at once.
//
//   problems.Add(node.mark(), "relay.memory", &node, "not a quantity; write it as 64Mi");
//   if (!problems.empty()) return problems.Join();
//
// Threads: loop.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/yaml/node.h"

namespace postern::config {

class Problems {
 public:
  explicit Problems(std::string_view file_name) : file_name_(file_name) {}

  // `field` is the path from the root, empty for the file as a whole; `value` is shown where it is
  // not null; `what` ends with the remedy.
  void Add(yaml::Mark mark, std::string_view field, const yaml::Node* value, std::string_view what);

  bool empty() const { return lines_.empty(); }
  // Returns all of them as one kInvalid, one a line in the order of the file, the first 1,000 and a
  // count of the others: a file of a megabyte must not become a log of a hundred.
  base::Error Join() const;

 private:
  struct Line {
    int number;
    std::string text;
  };

  std::string file_name_;
  std::vector<Line> lines_;
};

// Returns the value as messages show it: "text" in quotes, 5723, true, […], {…}; at most 60 bytes.
std::string Shown(const yaml::Node& value);

}  // namespace postern::config
