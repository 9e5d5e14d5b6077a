// Section: one map of the file while it is read. Hands out typed fields by name, reports what is
// wrong with them, and in the end what nobody asked for.
//
//   Section relay(node, mark, "relay", problems);
//   const std::uint16_t admin = relay.Read("admin", ReadPort).value_or(kAdminPort);
//   relay.Finish();                          // "relay.admn: unknown field; did you mean admin?"
//
// A field that is bad is reported once and reads as absent, so that reading goes on.
// Threads: loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/yaml/node.h"
#include "sidecar/config/internal/problems.h"

namespace postern::config {

class Section {
 public:
  // How many items a list may have.
  struct Count {
    std::size_t least = 0;
    std::size_t most = 0;
  };
  template <typename Reader>
  using ReadBy = typename std::invoke_result_t<Reader, const yaml::Node&>::value_type;

  // `mark` is where a missing field is reported: the line of the map's own key. `path` is its path,
  // empty for the root. `map` and `problems` outlive this.
  Section(const yaml::Node& map, yaml::Mark mark, std::string path, Problems& problems)
      : map_(&map), mark_(mark), path_(std::move(path)), problems_(&problems) {}

  // Returns the field; nullptr where it is missing, or null, which is reported.
  const yaml::Node* Find(std::string_view name);
  // As Find, and a field that is missing is reported with `remedy`.
  const yaml::Node* Require(std::string_view name, std::string_view remedy);
  // Whether the field was written at all, good or bad.
  bool Has(std::string_view name) const { return map_->Find(name) != nullptr; }

  // Returns what `reader` (values.h) makes of the field; nothing where it is missing or bad.
  template <typename Reader>
  std::optional<ReadBy<Reader>> Read(std::string_view name, Reader reader) {
    return ReadNode(Find(name), PathOf(name), reader);
  }
  template <typename Reader>
  std::optional<ReadBy<Reader>> ReadRequired(std::string_view name, Reader reader,
                                             std::string_view remedy) {
    return ReadNode(Require(name, remedy), PathOf(name), reader);
  }
  // Returns what `reader` makes of each item of a list of scalars, without the bad ones and
  // repeats.
  template <typename Reader>
  std::vector<ReadBy<Reader>> ReadEach(std::string_view name, Count count, Reader reader);

  // Returns the field as a section of its own; nothing where it is missing or not a map.
  std::optional<Section> Open(std::string_view name);
  std::optional<Section> OpenRequired(std::string_view name, std::string_view remedy);
  // Returns each item of a list of maps.
  std::vector<Section> OpenEach(std::string_view name, Count count);

  // Reports the field where it is there: `why` says what forbids it, and the remedy.
  void Refuse(std::string_view name, std::string_view why);
  // Reports `what` of a field, or of its section where the field is missing.
  void Complain(std::string_view name, std::string_view what);
  // Reports `what` of the section as a whole.
  void ComplainHere(std::string_view what) { problems_->Add(mark_, path_, nullptr, what); }
  // Takes the field for known without looking at it.
  void Ignore(std::string_view name) { known_.emplace_back(name); }
  // Reports every field that was not named to this section.
  void Finish();

  std::string PathOf(std::string_view name) const;

 private:
  template <typename Reader>
  std::optional<ReadBy<Reader>> ReadNode(const yaml::Node* node, const std::string& path,
                                         Reader reader);
  std::optional<Section> OpenNode(const yaml::Node* node, yaml::Mark mark, std::string path);
  const std::vector<yaml::Node>* List(std::string_view name, Count count);

  const yaml::Node* map_;
  yaml::Mark mark_;
  std::string path_;
  Problems* problems_;
  std::vector<std::string_view> known_;  // literals of the sections
};

template <typename Reader>
std::optional<Section::ReadBy<Reader>> Section::ReadNode(const yaml::Node* node,
                                                         const std::string& path, Reader reader) {
  if (node == nullptr) return std::nullopt;
  auto value = reader(*node);
  if (value) return *std::move(value);
  problems_->Add(node->mark(), path, node, value.error().message());
  return std::nullopt;
}

template <typename Reader>
std::vector<Section::ReadBy<Reader>> Section::ReadEach(std::string_view name, Count count,
                                                       Reader reader) {
  std::vector<ReadBy<Reader>> values;
  const std::vector<yaml::Node>* items = List(name, count);
  if (items == nullptr) return values;
  std::unordered_set<std::string_view> seen;
  for (const yaml::Node& item : *items) {
    const std::string path = PathOf(name) + "[" + std::to_string(&item - items->data()) + "]";
    auto value = ReadNode(&item, path, reader);
    if (!value) continue;
    if (seen.insert(item.text()).second) {
      values.push_back(*std::move(value));
    } else {
      problems_->Add(item.mark(), path, &item, "stands in the list before; remove one");
    }
  }
  return values;
}

}  // namespace postern::config
