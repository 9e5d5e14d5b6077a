// Relay: one postern-relay as a process: its folder, its files, its ports, and a log for each life.
//
//   Relay gateway(folder.File("gw1"));
//   gateway.SetIdentity(ca.MakeMember("gw1.example"));
//   gateway.SetRoots({ca.authority().certificate()});
//   gateway.SetConfig(yaml);
//   ASSERT_THAT(gateway.Start(), IsOk());
//   EXPECT_THAT(gateway.Terminate(), IsOkAndHolds(Process::Exit{}));
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/http/testing/http_get.h"
#include "lib/pki/credentials.h"
#include "tests/support/process.h"

namespace postern::integration {

// For what a busy machine may take its time with.
inline constexpr base::Duration kSoon = std::chrono::seconds(15);

class Relay {
 public:
  // How a program ended, and all that it said.
  struct End {
    support::Process::Exit exit;
    std::string said;
  };

  // Makes `folder`, which holds everything of this relay.
  explicit Relay(std::string folder);

  // Files are replaced whole, by rename, as whoever rotates them does.
  void SetIdentity(const pki::Credentials& own);
  void SetRoots(const std::vector<pki::Certificate>& roots);
  void SetConfig(const std::string& yaml);
  std::string File(std::string_view name) const { return folder_ + "/" + std::string(name); }

  // For every start from now on.
  void SetVariable(const std::string& name, const std::string& value);
  // For tests of memory: what the sanitizer would keep aside of freed memory counts as used.
  void KeepNoFreedMemory() { SetVariable("ASAN_OPTIONS", "quarantine_size_mb=1"); }
  // In its next life it kills itself at a point of lib/base/kill_point.h: "child.ack-cursor:3".
  void DieAt(const std::string& point) { death_ = point; }
  // From now on it is started by a program that becomes it: {"nice", "-n", "10"}.
  void StartUnder(std::vector<std::string> starter) { starter_ = std::move(starter); }

  // Returns once it has told its ports. kUnavailable where it ended instead; the error quotes it.
  base::Status Start();
  // For a start that must fail: returns how. `arguments` stand in for the configuration's path.
  base::Result<End> RunToEnd(std::vector<std::string> arguments = {});

  // SIGTERM, and how the program ended.
  base::Result<support::Process::Exit> Terminate();

  support::Process& process() { return *process_; }
  // Everything that it said since it was last started.
  std::string Log() const;
  // The port that it really uses: "admin", "link" or "otlpGrpc"; 0 where it has none.
  std::uint16_t Port(std::string_view key) const;

  http::Reply Get(std::string_view page) const { return http::Get(Port("admin"), page); }
  bool Ready() const { return Get("/readyz").status == 200; }
  // The value of a series, written as /metrics writes it; nothing where it is not there.
  std::optional<double> Metric(std::string_view series) const;

 private:
  void Replace(std::string_view name, const std::string& content) const;
  base::Status Launch(std::vector<std::string> arguments);

  std::string folder_;
  std::vector<std::pair<std::string, std::string>> environment_;
  std::string death_;
  std::vector<std::string> starter_;
  int lives_ = 0;
  std::optional<support::Process> process_;
};

}  // namespace postern::integration
