// Node: what a YAML document holds, and where in its file each piece stands.
//
// The tree of a JSON value plus marks, so that whoever checks a field can say in which line it is.
// A scalar keeps its text as written: `1.50` and `0x10` are told apart from what they might mean.
//
//   const Node& root = document.root;
//   if (const Entry* host = root.Find("host")) Complain(host->value.mark().line);
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/json/value.h"

namespace postern::yaml {

struct Mark {
  int line = 1;    // from 1
  int column = 1;  // from 1, in bytes

  bool operator==(const Mark&) const = default;
};

// kBool and kNumber are plain words that JSON would read as such; everything else that is written
// is kString. Nothing, `~`, `null`, `Null` and `NULL` are kNull.
enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kList, kMap };

// Returns the kind as people say it: "a list".
std::string_view KindName(Kind kind);

struct Entry;

class Node {
 public:
  // Makes null.
  explicit Node(Mark mark = {});
  static Node Scalar(Kind kind, std::string text, Mark mark);
  static Node List(Mark mark);
  static Node Map(Mark mark);

  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;
  ~Node();

  Kind kind() const { return kind_; }
  Mark mark() const { return mark_; }
  // A scalar's text, without its quotes; empty for anything else.
  const std::string& text() const { return text_; }
  const std::vector<Node>& items() const { return items_; }
  const std::vector<Entry>& entries() const { return entries_; }

  // Returns the entry called `key`; nullptr where there is none or this is no map.
  const Entry* Find(std::string_view key) const;

  Node& Append(Node item);
  // `entry.key` is not in the map yet.
  Node& Append(Entry entry);

 private:
  Kind kind_ = Kind::kNull;
  Mark mark_;
  std::string text_;
  std::vector<Node> items_;
  std::vector<Entry> entries_;
};

struct Entry {
  std::string key;
  Mark mark;  // the key's
  Node value;
};

// Returns the same tree as JSON, without marks. A number that JSON cannot hold becomes its text.
json::Value ToJson(const Node& node);

}  // namespace postern::yaml
