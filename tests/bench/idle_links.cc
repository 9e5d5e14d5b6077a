// bench_idle_links: what an idle child's link costs its parent.
//
//   bench_idle_links LINKS PORT PARENT_HOST CA_FOLDER PARENT_PID
//
// Opens that many links from this one process to the parent on 127.0.0.1:PORT, each as another
// member of the CA (roots.crt and roots.key in CA_FOLDER), sends one export over each, and waits.
// Prints one line, "CONNECT_SECONDS KB_BEFORE KB_AFTER": the parent's private memory (RssAnon)
// without the links and with all of them idle.
#include <chrono>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "lib/base/event_loop.h"
#include "lib/metrics/registry.h"
#include "tests/bench/idle_child.h"

namespace postern::bench {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Fail;
using base::Result;
using base::Status;

// A parent takes 256 handshakes at once from one address, and all our links come from one.
constexpr std::size_t kDialling = 200;
constexpr base::Duration kBound = 60s;
constexpr base::Duration kSettle = 3s;  // until freed memory is given back, heartbeats have passed

struct Options {
  std::size_t links = 0;
  std::uint16_t port = 0;
  std::string parent_host;
  std::string ca_folder;
  std::string parent_pid;
};

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<long> PrivateKb(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::strtol(line.c_str() + 8, nullptr, 10);
  }
  return Fail(Code::kNotFound, "no process " + pid);
}

// All children of one run, and the loop that they live on. Threads: loop.
class Crowd {
 public:
  explicit Crowd(const Options& options)
      : options_(options),
        parent_{.name = "parent",
                .host = options.parent_host,
                .addresses = {{.host = "127.0.0.1", .port = options.port}}} {}

  // Makes every certificate, so that later only links are timed.
  Status Prepare() {
    const std::string folder = options_.ca_folder + "/roots";
    ASSIGN_OR_RETURN(const pki::Authority authority,
                     pki::Authority::FromPem(ReadAll(folder + ".crt"), ReadAll(folder + ".key")));
    for (std::size_t n = 1; n <= options_.links; ++n) {
      const std::string host = "idle-" + std::to_string(n) + ".bench.example";
      ASSIGN_OR_RETURN(trust::IdentityPtr identity,
                       MakeIdentity(authority, host, clock_.WallNow()));
      children_.emplace_back(std::move(identity), static_cast<std::uint32_t>(n), parent_, env_);
    }
    return {};
  }

  Status LinkAll() {
    const base::Instant end = clock_.Now() + kBound;
    std::size_t started = 0;
    std::size_t linked = 0;
    while (linked < children_.size()) {
      while (started < children_.size() && started - linked < kDialling)
        children_[started++].Start();
      loop_.RunOnce(10ms);
      linked = Count(&IdleChild::linked);
      if (clock_.Now() > end) {
        return Fail(Code::kTimeout,
                    std::to_string(linked) + " links after a minute: " + FirstTrouble());
      }
    }
    return {};
  }

  Status ExportAll() {
    for (IdleChild& child : children_) child.Export();
    const base::Instant end = clock_.Now() + kBound;
    while (Count(&IdleChild::answered) < children_.size()) {
      loop_.RunOnce(10ms);
      if (clock_.Now() > end) return Fail(Code::kTimeout, "not every export was answered");
    }
    return {};
  }

  void Idle() {
    const base::Instant end = clock_.Now() + kSettle;
    while (clock_.Now() < end) loop_.RunOnce(50ms);
  }

  std::size_t linked() const { return Count(&IdleChild::linked); }
  base::Instant Now() const { return clock_.Now(); }

  ~Crowd() {
    for (IdleChild& child : children_) child.Stop();
    for (int turn = 0; turn < 20; ++turn) loop_.RunOnce(5ms);
  }

 private:
  std::size_t Count(bool (IdleChild::*claim)() const) const {
    std::size_t count = 0;
    for (const IdleChild& child : children_) count += (child.*claim)() ? 1 : 0;
    return count;
  }
  std::string FirstTrouble() const {
    for (const IdleChild& child : children_) {
      if (!child.linked()) return child.trouble();
    }
    return {};
  }

  const Options& options_;
  link::ParentAddress parent_;
  base::SystemClock clock_;
  log::Logger log_{{.level = log::Level::kError}, clock_};
  base::EventLoop loop_{clock_};
  metrics::Registry registry_{"bench"};
  link::LinkMetrics metrics_{registry_};
  net::Scratch scratch_;
  net::Resolver resolver_{loop_};
  compress::LaneCodec codec_;
  link::LinkEnv env_{loop_, scratch_, resolver_, codec_, log_, metrics_};
  std::deque<IdleChild> children_;  // a deque: children do not move
};

Status Measure(const Options& options) {
  Crowd crowd(options);
  RETURN_IF_ERROR(crowd.Prepare());
  ASSIGN_OR_RETURN(const long before, PrivateKb(options.parent_pid));
  const base::Instant start = crowd.Now();
  RETURN_IF_ERROR(crowd.LinkAll());
  const std::chrono::duration<double> connecting = crowd.Now() - start;
  RETURN_IF_ERROR(crowd.ExportAll());
  crowd.Idle();
  ASSIGN_OR_RETURN(const long after, PrivateKb(options.parent_pid));
  if (crowd.linked() < options.links) return Fail(Code::kUnavailable, "links were lost while idle");
  std::cout << connecting.count() << " " << before << " " << after << "\n";
  return {};
}

}  // namespace
}  // namespace postern::bench

int main(int argc, char** argv) {
  postern::bench::Options options;
  if (argc == 6) {
    options = {.links = std::strtoul(argv[1], nullptr, 10),
               .port = static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10)),
               .parent_host = argv[3],
               .ca_folder = argv[4],
               .parent_pid = argv[5]};
  }
  if (options.links == 0 || options.port == 0) {
    std::cerr << "usage: bench_idle_links LINKS PORT PARENT_HOST CA_FOLDER PARENT_PID\n";
    return 64;
  }
  const auto status = postern::bench::Measure(options);
  if (status) return 0;
  std::cerr << status.error().message() << "\n";
  return 1;
}
