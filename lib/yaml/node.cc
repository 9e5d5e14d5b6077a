#include "lib/yaml/node.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/json/parse.h"

namespace postern::yaml {

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kNull: return "nothing";
    case Kind::kBool: return "a truth value";
    case Kind::kNumber: return "a number";
    case Kind::kString: return "a string";
    case Kind::kList: return "a list";
    case Kind::kMap: return "a map";
  }
  CHECK(false, "every kind has a name");
}

Node::Node(Mark mark) : mark_(mark) {}
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

Node Node::Scalar(Kind kind, std::string text, Mark mark) {
  Node node(mark);
  node.kind_ = kind;
  node.text_ = std::move(text);
  return node;
}

Node Node::List(Mark mark) {
  Node node(mark);
  node.kind_ = Kind::kList;
  return node;
}

Node Node::Map(Mark mark) {
  Node node(mark);
  node.kind_ = Kind::kMap;
  return node;
}

const Entry* Node::Find(std::string_view key) const {
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  return found == entries_.end() ? nullptr : &*found;
}

Node& Node::Append(Node item) {
  CHECK(kind_ == Kind::kList, "only a list takes items");
  items_.push_back(std::move(item));
  return *this;
}

Node& Node::Append(Entry entry) {
  CHECK(kind_ == Kind::kMap, "only a map takes entries");
  entries_.push_back(std::move(entry));
  return *this;
}

json::Value ToJson(const Node& node) {
  switch (node.kind()) {
    case Kind::kNull: return nullptr;
    case Kind::kBool: return node.text() == "true";
    case Kind::kNumber: return json::Parse(node.text()).value_or(json::Value(node.text()));
    case Kind::kString: return node.text();
    case Kind::kList: {
      json::Array items;
      for (const Node& item : node.items()) items.push_back(ToJson(item));
      return items;
    }
    case Kind::kMap: {
      json::Object members;
      for (const Entry& entry : node.entries()) members.push_back({entry.key, ToJson(entry.value)});
      return members;
    }
  }
  CHECK(false, "every kind has a JSON form");
}

}  // namespace postern::yaml
