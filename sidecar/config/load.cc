#include "sidecar/config/load.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>
#include <utility>

#include "lib/yaml/parse.h"
#include "sidecar/config/internal/problems.h"
#include "sidecar/config/internal/section.h"
#include "sidecar/config/internal/sections.h"
#include "sidecar/config/internal/values.h"

namespace postern::config {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::pair<std::string_view, Kind> kKinds[] = {
    {"Gateway", Kind::kGateway}, {"ManagementServer", Kind::kManagementServer}};

base::Result<Kind> ReadKind(const yaml::Node& node) { return ReadChoice<Kind>(node, kKinds); }

// One of the relay's own ports.
struct Listener {
  std::string_view field;
  std::string bind;
  std::uint16_t port;
};

bool Collide(const Listener& a, const Listener& b) {
  const auto is_every = [](const std::string& bind) {
    return bind.empty() || bind == "0.0.0.0" || bind == "::";
  };
  return a.port != 0 && a.port == b.port &&
         (a.bind == b.bind || is_every(a.bind) || is_every(b.bind));
}

// Returns where `field` stands, or the nearest section above it that was written.
yaml::Mark MarkOf(const yaml::Node& root, std::string_view field) {
  yaml::Mark mark = root.mark();
  const yaml::Node* map = &root;
  while (!field.empty()) {
    const std::size_t dot = std::min(field.find('.'), field.size());
    const yaml::Entry* entry = map->Find(field.substr(0, dot));
    if (entry == nullptr) return mark;
    mark = entry->mark;
    map = &entry->value;
    field.remove_prefix(std::min(dot + 1, field.size()));
  }
  return mark;
}

// Two listeners on one port of one address would fail at start, with less to say about why.
void CheckListeners(const Config& config, const yaml::Node& root, Problems& problems) {
  std::vector<Listener> listeners;
  if (config.port) listeners.push_back({"port", config.relay.bind, *config.port});
  listeners.push_back({"relay.admin", config.relay.bind, config.relay.admin});
  if (config.relay.otlp) {
    listeners.push_back({"relay.otlp.grpc", config.relay.otlp->bind, config.relay.otlp->grpc});
  }
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!Collide(listeners[i], listeners[j])) continue;
      problems.Add(MarkOf(root, listeners[i].field), listeners[i].field, nullptr,
                   std::to_string(listeners[i].port) + " is also " +
                       std::string(listeners[j].field) +
                       "; write another port, or 0 for any free one");
    }
  }
}

Config ReadRoot(const yaml::Node& map, const std::string& base, Problems& problems) {
  Config config;
  Section root(map, map.mark(), "", problems);
  const auto kind = root.ReadRequired("kind", ReadKind, "write Gateway or ManagementServer");
  config.kind = kind.value_or(config.kind);
  config.name = root.ReadRequired("name", ReadName, "write the member's name").value_or("");
  config.group = root.Read("group", ReadName).value_or(config.group);
  config.host =
      root.ReadRequired("host", ReadHost, "write the name in the certificate").value_or("");
  ReadLink(root, kind, base, config);
  config.relay = ReadRelay(root, kind, base);
  root.Refuse("edge", "not yet served; remove the field");
  root.Finish();
  if (kind) CheckListeners(config, map, problems);
  return config;
}

}  // namespace

Result<Config> Parse(std::string_view text, std::string_view file_name, const std::string& base) {
  ASSIGN_OR_RETURN(const std::vector<yaml::Document> documents, yaml::Parse(text, file_name));
  Problems problems(file_name);
  if (documents.empty()) {
    problems.Add({}, "", nullptr,
                 "nothing in it; begin with kind: Gateway or kind: ManagementServer");
    return problems.Join();
  }
  for (const yaml::Document& extra : std::span(documents).subspan(1)) {
    problems.Add(extra.root.mark(), "", nullptr,
                 "a second document; write each member into a file of its own");
  }
  const yaml::Node& root = documents.front().root;
  if (root.kind() != yaml::Kind::kMap) {
    problems.Add(root.mark(), "", &root,
                 "not a map; begin with kind: Gateway or kind: ManagementServer");
    return problems.Join();
  }
  Config config = ReadRoot(root, base, problems);
  if (!problems.empty()) return problems.Join();
  return config;
}

Result<Config> Load(const std::string& path, const std::string& base) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(yaml::kMaxBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    const int why = errno;
    return Fail(why == ENOENT ? Code::kNotFound : Code::kUnavailable,
                "reading " + path + ": " + std::generic_category().message(why));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return Parse(text, path, base.empty() ? folder : base);
}

}  // namespace postern::config
