#include "tests/integration/peers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>

#include "lib/otlp/testing/sample.h"
#include "tests/integration/topology.h"

namespace postern::integration {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;
using otlp::Signal;
using support::Process;

namespace {

constexpr const char* kCollector = POSTERN_PEERS "/otelcol";
constexpr const char* kSdk = POSTERN_PEERS "/postern-sdk";
constexpr std::array kSignalNames = {"logs", "metrics", "traces"};
constexpr base::Duration kSdkBound = std::chrono::seconds(90);

const char* NameOf(Signal signal) { return kSignalNames[static_cast<std::size_t>(signal)]; }

// "3 lost: a b c; ", or "".
std::string Name(const char* what, const std::vector<std::string>& ids) {
  if (ids.empty()) return "";
  std::string text = std::to_string(ids.size()) + " " + what + ":";
  for (std::size_t i = 0; i < std::min<std::size_t>(ids.size(), 5); ++i) text += " " + ids[i];
  return text + "; ";
}

// What the sorted `from` holds more often than the sorted `other`.
std::vector<std::string> Without(const std::vector<std::string>& from,
                                 const std::vector<std::string>& other) {
  std::vector<std::string> rest;
  std::ranges::set_difference(from, other, std::back_inserter(rest));
  return rest;
}

}  // namespace

void SkipWithoutPeers() {
  if (access(kCollector, X_OK) == 0 && access(kSdk, X_OK) == 0) return;
  GTEST_SKIP() << "*** SKIPPED: no Collector and no SDK client in " POSTERN_PEERS
                  ": tests/peers/build --link " POSTERN_PEERS " makes them, with Go 1.24 or later";
}

// === the Collector ===

std::string Collector::Config() const {
  const std::string host = "\"127.0.0.1:";
  std::string text = "receivers: {otlp: {protocols: {grpc: {endpoint: " + host +
                     std::to_string(grpc_port_) + "\"}, http: {endpoint: " + host +
                     std::to_string(http_port_) + "\"}}}}\nexporters:\n";
  for (const char* signal : kSignalNames) {
    if (options_.next != 0) continue;
    text += "  file/" + std::string(signal) + ": {append: true, path: " + folder_.File(signal) +
            ".jsonl}\n";
  }
  if (options_.next != 0) {
    text += "  otlp_grpc:\n    endpoint: " + host + std::to_string(options_.next) +
            "\"\n    tls: {insecure: true}\n    compression: " + options_.compression +
            "\n    sending_queue: {enabled: " + (options_.queue ? "true" : "false") +
            "}\n    retry_on_failure: {initial_interval: 100ms, max_interval: 1s}\n";
  }
  text += "service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n";
  for (const std::string signal : kSignalNames) {
    text += "    " + signal + ": {receivers: [otlp], exporters: [" +
            (options_.next != 0 ? "otlp_grpc" : "file/" + signal) + "]}\n";
  }
  return text;
}

// The port that it says it really uses.
Result<std::uint16_t> Collector::ReadPort(const std::string& of) {
  constexpr std::string_view kBefore = "127.0.0.1:";
  ASSIGN_OR_RETURN(const std::string line, process_->WaitForLine("Starting " + of, kSoon));
  const std::size_t at = line.find(kBefore);
  if (at == std::string::npos) return Fail(Code::kNotFound, "no port in: " + line);
  return static_cast<std::uint16_t>(std::stoi(line.substr(at + kBefore.size())));
}

Status Collector::Start() {
  const std::string config = folder_.Write("collector.yaml", Config());
  // A log for each start: what an earlier one said is no answer of this one.
  const std::string log = folder_.File("collector." + std::to_string(++starts_) + ".log");
  ASSIGN_OR_RETURN(process_,
                   Process::Start(kCollector, {.arguments = {"--config", config}, .output = log}));
  ASSIGN_OR_RETURN(grpc_port_, ReadPort("GRPC server"));
  ASSIGN_OR_RETURN(http_port_, ReadPort("HTTP server"));
  RETURN_IF_ERROR(process_->WaitForLine("Everything is ready", kSoon));
  return {};
}

Result<Process::Exit> Collector::Stop() {
  process_->Signal(SIGTERM);
  return process_->WaitForExit(kSoon);
}

Status Collector::Post(Signal signal, const std::string& line) {
  const std::string body = folder_.Write("post.json", line);
  const std::string url =
      "http://127.0.0.1:" + std::to_string(http_port_) + "/v1/" + NameOf(signal);
  ASSIGN_OR_RETURN(
      Process curl,
      Process::Start(
          "curl", {.arguments = {"--silent", "--show-error", "--fail-with-body", "--noproxy", "*",
                                 "--header", "Content-Type: application/json", "--data-binary",
                                 "@" + body, url},
                   .output = folder_.File("curl.log")}));
  ASSIGN_OR_RETURN(const Process::Exit exit, curl.WaitForExit(kSoon));
  if (exit == Process::Exit{}) return {};
  std::string said;
  for (const std::string& text : ReadLines(folder_.File("curl.log"))) said += text;
  return Fail(Code::kInvalid, "the Collector refused the line: " + said);
}

std::vector<std::string> Collector::Lines(Signal signal) const {
  return ReadLines(folder_.File(NameOf(signal)) + ".jsonl");
}

std::vector<std::string> Collector::Ids(Signal signal) const {
  std::vector<std::string> ids;
  for (const std::string& line : Lines(signal)) {
    for (std::string& id : otlp::RecordIdsOfJson(signal, line)) ids.push_back(std::move(id));
  }
  return ids;
}

// === the SDK's client ===

Status Sdk::Start(std::uint16_t port) {
  std::vector<std::string> arguments = {"-endpoint", "127.0.0.1:" + std::to_string(port),
                                        "-run",      run_.id,
                                        "-logs",     std::to_string(run_.logs),
                                        "-metrics",  std::to_string(run_.metrics),
                                        "-spans",    std::to_string(run_.spans),
                                        "-batch",    std::to_string(run_.batch),
                                        "-timeout",  run_.timeout};
  if (run_.gzip) arguments.emplace_back("-gzip");
  ASSIGN_OR_RETURN(process_, Process::Start(kSdk, {.arguments = std::move(arguments),
                                                   .output = folder_.File("sdk.log")}));
  return {};
}

int Sdk::Wait() {
  const Result<Process::Exit> exit = process_->WaitForExit(kSdkBound);
  return exit && exit->signal == 0 ? exit->code : -1;
}

std::string Sdk::Report() const {
  std::string said;
  for (const std::string& line : ReadLines(folder_.File("sdk.log"))) said += line + "\n";
  return said;
}

std::vector<std::string> Sdk::Ids(Signal signal) const {
  constexpr std::array kNames = {"logs", "metrics", "spans"};
  const std::array counts = {run_.logs, run_.metrics, run_.spans};
  std::vector<std::string> ids;
  for (std::size_t n = 1; n <= counts[static_cast<std::size_t>(signal)]; ++n) {
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), "-%06zu", n);
    ids.push_back(run_.id + "-" + kNames[static_cast<std::size_t>(signal)] + number.data());
  }
  return ids;
}

// === what arrived ===

std::string Amiss(std::vector<std::string> sent, std::vector<std::string> arrived) {
  std::ranges::sort(sent);
  std::ranges::sort(arrived);
  return Name("lost", Without(sent, arrived)) + Name("too many", Without(arrived, sent));
}

std::vector<std::string> ReadLines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(std::move(line));
  return lines;
}

}  // namespace postern::integration
