// Programs of others at Postern's two ends, as tests/peers/build made them: a real OpenTelemetry
// Collector, and a client made with the OpenTelemetry SDK of Go.
//
//   SkipWithoutPeers();
//   Collector collector({.next = topology.otlp_port(), .compression = "gzip"});
//   ASSERT_THAT(collector.Start(), IsOk());
//   Sdk sdk({.logs = 100});
//   ASSERT_THAT(sdk.Start(collector.port()), IsOk());
//   EXPECT_EQ(sdk.Wait(), 0) << sdk.Report();
//
// Threads: loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/otlp/signal.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace postern::integration {

// From a test's SetUp: skips it, loudly, where the programs are not there.
void SkipWithoutPeers();

// A Collector with an OTLP receiver, gRPC and HTTP, and one exporter.
class Collector {
 public:
  struct Options {
    std::uint16_t next = 0;            // where it sends, by OTLP/gRPC; 0: into files of its own
    std::string compression = "none";  // on the way to `next`
    bool queue = false;  // answers at once, keeps, and tries again until `next` took it
  };
  explicit Collector(Options options) : options_(std::move(options)) {}

  // On free ports the first time, on the same ones later.
  base::Status Start();
  // SIGTERM, and the exit code; its files are complete afterwards.
  base::Result<support::Process::Exit> Stop();

  support::Process& process() { return *process_; }
  std::uint16_t port() const { return grpc_port_; }

  // Sends one export to its HTTP port, as OTLP/JSON.
  base::Status Post(otlp::Signal signal, const std::string& line);

  // What it wrote to its file, one export a line.
  std::vector<std::string> Lines(otlp::Signal signal) const;
  // The ids in those lines, as often as they are there.
  std::vector<std::string> Ids(otlp::Signal signal) const;

 private:
  std::string Config() const;
  base::Result<std::uint16_t> ReadPort(const std::string& of);

  Options options_;
  support::TempDir folder_;
  int starts_ = 0;
  std::uint16_t grpc_port_ = 0;
  std::uint16_t http_port_ = 0;
  std::optional<support::Process> process_;
};

// One run of the SDK's client. It repeats what was answered with a code that says so, as SDKs do.
class Sdk {
 public:
  struct Run {
    std::size_t logs = 0;
    std::size_t metrics = 0;
    std::size_t spans = 0;
    std::size_t batch = 512;  // log records or spans in an export
    bool gzip = false;
    std::string timeout = "60s";  // bound on all of it
    std::string id = "run";       // first part of every record's id
  };
  explicit Sdk(Run run) : run_(std::move(run)) {}

  base::Status Start(std::uint16_t port);
  // The exit code: 0 where every export was answered with OK; -1 where it does not end.
  int Wait();
  // The line of JSON that it ends with, and whatever else it said.
  std::string Report() const;
  // The ids that it sends.
  std::vector<std::string> Ids(otlp::Signal signal) const;

 private:
  Run run_;
  support::TempDir folder_;
  std::optional<support::Process> process_;
};

// "" where each of `sent` arrived once and nothing else did; otherwise how many were lost, repeated
// or never sent, and some of them.
std::string Amiss(std::vector<std::string> sent, std::vector<std::string> arrived);

// The lines of a text file; none where there is no file.
std::vector<std::string> ReadLines(const std::string& path);

}  // namespace postern::integration
