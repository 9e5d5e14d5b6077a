#include "sidecar/config/internal/section.h"

#include <algorithm>

#include "sidecar/config/internal/values.h"

namespace postern::config {

std::string Section::PathOf(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

const yaml::Node* Section::Find(std::string_view name) {
  Ignore(name);
  const yaml::Entry* entry = map_->Find(name);
  if (entry == nullptr) return nullptr;
  if (entry->value.kind() == yaml::Kind::kNull) {
    problems_->Add(entry->mark, PathOf(name), nullptr, "empty; write a value or remove the field");
    return nullptr;
  }
  return &entry->value;
}

const yaml::Node* Section::Require(std::string_view name, std::string_view remedy) {
  if (!Has(name)) {
    problems_->Add(mark_, PathOf(name), nullptr, "missing; " + std::string(remedy));
  }
  return Find(name);
}

std::optional<Section> Section::Open(std::string_view name) {
  const yaml::Node* node = Find(name);
  return OpenNode(node, node == nullptr ? mark_ : map_->Find(name)->mark, PathOf(name));
}

std::optional<Section> Section::OpenRequired(std::string_view name, std::string_view remedy) {
  const yaml::Node* node = Require(name, remedy);
  return OpenNode(node, node == nullptr ? mark_ : map_->Find(name)->mark, PathOf(name));
}

std::optional<Section> Section::OpenNode(const yaml::Node* node, yaml::Mark mark,
                                         std::string path) {
  if (node == nullptr) return std::nullopt;
  if (node->kind() == yaml::Kind::kMap) return Section(*node, mark, std::move(path), *problems_);
  problems_->Add(node->mark(), path, node, "not a map; write its fields below it");
  return std::nullopt;
}

std::vector<Section> Section::OpenEach(std::string_view name, Count count) {
  std::vector<Section> sections;
  const std::vector<yaml::Node>* items = List(name, count);
  if (items == nullptr) return sections;
  for (const yaml::Node& item : *items) {
    std::string path = PathOf(name) + "[" + std::to_string(&item - items->data()) + "]";
    if (auto section = OpenNode(&item, item.mark(), std::move(path))) {
      sections.push_back(*std::move(section));
    }
  }
  return sections;
}

const std::vector<yaml::Node>* Section::List(std::string_view name, Count count) {
  const yaml::Node* node = Find(name);
  if (node == nullptr) return nullptr;
  if (node->kind() != yaml::Kind::kList) {
    problems_->Add(node->mark(), PathOf(name), node,
                   "not a list; write it as [a, b] or with dashes");
    return nullptr;
  }
  const std::size_t size = node->items().size();
  if (size >= count.least && size <= count.most) return &node->items();
  const std::string bounds =
      size < count.least
          ? std::to_string(size) + " items; write at least " + std::to_string(count.least)
          : std::to_string(size) + " items; write at most " + std::to_string(count.most);
  problems_->Add(map_->Find(name)->mark, PathOf(name), nullptr, bounds);
  return nullptr;
}

void Section::Refuse(std::string_view name, std::string_view why) {
  Ignore(name);
  if (const yaml::Entry* entry = map_->Find(name)) {
    problems_->Add(entry->mark, PathOf(name), nullptr, why);
  }
}

void Section::Complain(std::string_view name, std::string_view what) {
  const yaml::Entry* entry = map_->Find(name);
  if (entry == nullptr) {
    problems_->Add(mark_, PathOf(name), nullptr, what);
  } else {
    problems_->Add(entry->mark, PathOf(name), &entry->value, what);
  }
}

void Section::Finish() {
  for (const yaml::Entry& entry : map_->entries()) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    const std::string_view nearest = Nearest(entry.key, known_);
    const std::string remedy =
        nearest.empty() ? "remove it" : "did you mean " + std::string(nearest) + "?";
    problems_->Add(entry.mark, PathOf(entry.key), nullptr, "unknown field; " + remedy);
  }
}

}  // namespace postern::config
