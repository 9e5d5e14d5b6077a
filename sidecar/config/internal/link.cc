#include <algorithm>
#include <filesystem>
#include <utility>

#include "sidecar/config/internal/sections.h"
#include "sidecar/config/internal/values.h"

namespace postern::config {
namespace {

constexpr std::size_t kMostParents = 9;
constexpr std::size_t kMostAddresses = 8;
constexpr std::size_t kMostMembers = 10'000;
constexpr base::Duration kLeastDeadAfter = std::chrono::milliseconds(200);

constexpr std::pair<std::string_view, Compression> kCompressions[] = {
    {"Auto", Compression::kAuto}, {"Zstd", Compression::kZstd}, {"None", Compression::kNone}};

CertificateFiles ReadCertificate(Section& root, const std::string& base) {
  CertificateFiles files;
  auto section = root.OpenRequired("certificate", "write {chain: …, key: …, roots: …}");
  if (!section) return files;
  const auto path = [&](std::string_view name) {
    const auto text = section->ReadRequired(name, ReadText, "write the path of a PEM file");
    return text ? Resolve(base, *text) : std::string();
  };
  files = {path("chain"), path("key"), path("roots")};
  section->Finish();
  return files;
}

Parent ReadParent(Section& section) {
  Parent parent;
  parent.name = section.ReadRequired("name", ReadName, "write the parent's name").value_or("");
  parent.host = section.ReadRequired("host", ReadHost, "write the name in the parent's certificate")
                    .value_or("");
  parent.addresses = section.ReadEach("addresses", {0, kMostAddresses}, ReadAddress);
  if (parent.addresses.empty()) parent.addresses = {{parent.host, kLinkPort}};
  section.Finish();
  return parent;
}

std::vector<Parent> ReadParents(Section& root, const std::string& own_host) {
  std::vector<Parent> parents;
  if (root.Require("parents", "name at least one parent") == nullptr) return parents;
  for (Section& section : root.OpenEach("parents", {1, kMostParents})) {
    Parent parent = ReadParent(section);
    if (!parent.host.empty() && parent.host == own_host) {
      section.Complain("host", "this gateway's own; write the parent's");
    }
    for (const Parent& other : parents) {
      if (!parent.name.empty() && parent.name == other.name) {
        section.Complain("name", "names an earlier parent; remove one");
      }
      if (!parent.host.empty() && parent.host == other.host) {
        section.Complain("host", "an earlier parent's; remove one");
      }
    }
    parents.push_back(std::move(parent));
  }
  return parents;
}

base::Result<base::Duration> ReadDeadAfter(const yaml::Node& node) {
  ASSIGN_OR_RETURN(const base::Duration duration, ReadDuration(node));
  if (duration >= kLeastDeadAfter) return duration;
  return base::Fail(base::Code::kInvalid, "too short; write at least 200ms");
}

base::Result<std::string> ReadMember(const yaml::Node& node) {
  if (node.kind() == yaml::Kind::kString && node.text() == "*") return node.text();
  return ReadHost(node);
}

Members ReadMembers(Section& root) {
  Members members;
  const auto remedy = "list the hosts that may connect, or write [\"*\"] for anyone the CA signed";
  if (root.Require("members", remedy) == nullptr) return members;
  members.hosts = root.ReadEach("members", {0, kMostMembers}, ReadMember);
  members.anyone = std::ranges::find(members.hosts, "*") != members.hosts.end();
  if (members.anyone && members.hosts.size() > 1) {
    root.Complain("members", "holds both \"*\" and hosts; write one or the other");
  }
  if (members.anyone) members.hosts.clear();
  return members;
}

void ReadGatewayLink(Section& root, Config& config) {
  config.parents = ReadParents(root, config.host);
  config.dead_after = root.Read("deadAfter", ReadDeadAfter).value_or(config.dead_after);
  const auto read_compression = [](const yaml::Node& node) {
    return ReadChoice<Compression>(node, kCompressions);
  };
  config.compression = root.Read("compression", read_compression).value_or(config.compression);
  config.port = root.Read("port", ReadPort);
  if (root.Has("port")) {
    config.members = ReadMembers(root);
  } else {
    root.Refuse("members", "nobody connects where there is no port; add port, or remove members");
  }
}

void ReadServerLink(Section& root, Config& config) {
  config.port = root.Read("port", ReadPort).value_or(kLinkPort);
  config.members = ReadMembers(root);
  for (const char* name : {"parents", "deadAfter", "compression"}) {
    root.Refuse(name, "a ManagementServer has no parents; remove the field");
  }
}

}  // namespace

std::string Resolve(const std::string& base, const std::string& path) {
  return (std::filesystem::path(base) / path).string();
}

void ReadLink(Section& root, std::optional<Kind> kind, const std::string& base, Config& config) {
  config.certificate = ReadCertificate(root, base);
  for (const char* name : {"failbackAfter", "dial"}) {
    root.Refuse(name, "not yet served; remove the field");
  }
  if (kind == Kind::kGateway) {
    ReadGatewayLink(root, config);
  } else if (kind == Kind::kManagementServer) {
    ReadServerLink(root, config);
  } else {
    for (const char* name : {"parents", "deadAfter", "compression", "port", "members"}) {
      root.Ignore(name);
    }
  }
}

}  // namespace postern::config
