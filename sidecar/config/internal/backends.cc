#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "sidecar/config/internal/sections.h"
#include "sidecar/config/internal/values.h"

namespace postern::config {
namespace {

constexpr std::size_t kMostBackends = 8;
constexpr std::string_view kTargets[] = {"otlp", "file", "discard"};
constexpr std::string_view kNotServed = "not yet served; remove the field";
// The log lets go of no less than a segment, which is no smaller.
constexpr std::uint64_t kLeastBehind = std::uint64_t{1} << 20;
constexpr std::pair<std::string_view, bool> kWhenBehind[] = {{"Hold", false}, {"Drop", true}};

enum class Signal : std::uint8_t { kLogs, kMetrics, kTraces };
constexpr std::pair<std::string_view, Signal> kSignals[] = {
    {"logs", Signal::kLogs}, {"metrics", Signal::kMetrics}, {"traces", Signal::kTraces}};

Signals ReadSignals(Section& backend) {
  if (!backend.Has("signals")) {
    backend.Ignore("signals");
    return {};
  }
  Signals signals{.logs = false, .metrics = false, .traces = false};
  const auto read_signal = [](const yaml::Node& node) {
    return ReadChoice<Signal>(node, kSignals);
  };
  for (const Signal signal : backend.ReadEach("signals", {1, std::size(kSignals)}, read_signal)) {
    signals.logs |= signal == Signal::kLogs;
    signals.metrics |= signal == Signal::kMetrics;
    signals.traces |= signal == Signal::kTraces;
  }
  return signals;
}

// The one protocol there is; a choice, so that a second one finds its place.
base::Result<bool> ReadProtocol(const yaml::Node& node) {
  if (node.text() == "http") {
    return base::Fail(base::Code::kInvalid, "not yet served; write grpc");
  }
  static constexpr std::pair<std::string_view, bool> kProtocols[] = {{"grpc", true}};
  return ReadChoice<bool>(node, kProtocols);
}

OtlpBackend ReadOtlpBackend(Section& section, const std::string& base) {
  OtlpBackend otlp;
  const auto endpoint =
      section.ReadRequired("endpoint", ReadEndpoint, "write it as http://127.0.0.1:4317");
  if (endpoint) {
    otlp.endpoint = endpoint->address;
    otlp.tls = endpoint->tls;
  }
  section.Read("protocol", ReadProtocol);
  const auto ca_file = section.Read("caFile", ReadText);
  if (ca_file) otlp.ca_file = Resolve(base, *ca_file);
  if (ca_file && endpoint && !endpoint->tls) {
    section.Complain("caFile", "of no use to http; write https in the endpoint, or remove caFile");
  }
  section.Refuse("headersFrom", kNotServed);
  section.Finish();
  return otlp;
}

// Reads the one target there is, or reports that there is none or more than one.
void ReadTarget(Section& section, const std::string& base, Backend& backend) {
  std::string present;
  int count = 0;
  for (const std::string_view target : kTargets) {
    if (!section.Has(target)) continue;
    present += (count++ == 0 ? "" : " and ") + std::string(target);
  }
  if (count == 0) section.ComplainHere("goes nowhere; add one of otlp, file or discard");
  if (count > 1) section.ComplainHere("has " + present + "; keep one of them");

  if (auto otlp = section.Open("otlp")) backend.target = ReadOtlpBackend(*otlp, base);
  if (auto file = section.Open("file")) {
    const auto path =
        file->ReadRequired("path", ReadFolderBelow, "write a folder relative to the state folder");
    backend.target = FileBackend{path.value_or("")};
    file->Finish();
  }
  if (auto discard = section.Open("discard")) discard->Finish();
}

// Returns how far it may be behind; nothing where it is waited for.
std::optional<std::uint64_t> ReadMaxBehind(Section& section, std::uint64_t most) {
  const auto read_when_behind = [](const yaml::Node& node) {
    return ReadChoice<bool>(node, kWhenBehind);
  };
  const auto read_max_behind = [most](const yaml::Node& node) {
    return ReadQuantityFrom(node, kLeastBehind, most);
  };
  const auto drop = section.Read("whenBehind", read_when_behind);
  if (drop.value_or(false)) {
    return section.ReadRequired("maxBehind", read_max_behind,
                                "write how many bytes it may be behind, such as 256Mi");
  }
  section.Ignore("maxBehind");
  const bool holds = drop || !section.Has("whenBehind");  // else who knows which was meant
  if (holds && section.Has("maxBehind")) {
    section.Complain("maxBehind", "of no use to Hold; write whenBehind: Drop, or remove maxBehind");
  }
  return std::nullopt;
}

const std::string* FileOf(const Backend& backend) {
  const auto* file = std::get_if<FileBackend>(&backend.target);
  return file == nullptr || file->path.empty() ? nullptr : &file->path;
}

}  // namespace

std::vector<Backend> ReadBackends(Section& relay, const std::string& base,
                                  std::uint64_t most_behind) {
  std::vector<Backend> backends;
  if (relay.Require("backends", "name at least one") == nullptr) return backends;
  for (Section& section : relay.OpenEach("backends", {1, kMostBackends})) {
    Backend backend;
    backend.name = section.ReadRequired("name", ReadName, "give it one").value_or("");
    backend.signals = ReadSignals(section);
    ReadTarget(section, base, backend);
    backend.max_behind = ReadMaxBehind(section, most_behind);
    section.Finish();
    for (const Backend& other : backends) {
      if (!backend.name.empty() && backend.name == other.name) {
        section.Complain("name", "names an earlier backend; rename one");
      }
      const std::string* path = FileOf(backend);
      const std::string* other_path = FileOf(other);
      if (path != nullptr && other_path != nullptr && *path == *other_path) {
        section.Complain("file",
                         "the folder of backend " + other.name + " too; write another path");
      }
    }
    backends.push_back(std::move(backend));
  }
  return backends;
}

}  // namespace postern::config
