// Process: a real program that a test starts, watches, hurts and outlives.
//
//   POSTERN_ASSERT_OK_AND_ASSIGN(Process relay, Process::Start("build/dev/bin/postern-relay",
//       {.arguments = {"--config", config}, .output = folder.File("relay.log")}));
//   POSTERN_ASSERT_OK_AND_ASSIGN(std::string line, relay.WaitForLine("admin listens on", 10s));
//   relay.Kill();
//
// The program and what it started are killed when the Process goes, and when the test's thread
// dies. Threads: loop.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace postern::support {

class Process {
 public:
  struct Options {
    std::vector<std::string> arguments = {};  // without the program's own name
    std::vector<std::pair<std::string, std::string>> environment = {};  // added to the test's own
    std::string output = {};     // file that takes stdout and stderr, appended; empty: /dev/null
    std::string directory = {};  // where it runs; empty: where the test runs
  };
  struct Exit {
    int code = 0;    // 0 where a signal ended it
    int signal = 0;  // 0 where it ended itself
    bool operator==(const Exit&) const = default;
    friend void PrintTo(const Exit& exit, std::ostream* out) {
      *out << "exit code " << exit.code << ", signal " << exit.signal;
    }
  };
  struct Usage {
    std::uint64_t rss_anon = 0;  // bytes of private memory: heap and stacks, not files
    base::Duration cpu{0};       // user and system, all threads, in steps of 10 ms
  };

  // `program` is a path, or a name to be found in PATH. kNotFound where it cannot be executed.
  static base::Result<Process> Start(const std::string& program, Options options);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  bool running() { return !EndedWithin({}); }

  // Returns the first line of output that holds `text` and that no earlier call has passed, without
  // its line feed. kTimeout after `most`, kUnavailable once the program ended without saying it;
  // both errors quote the end of the output.
  base::Result<std::string> WaitForLine(std::string_view text, base::Duration most);

  // kTimeout where it still runs after `most`; the same answer again once it ended.
  base::Result<Exit> WaitForExit(base::Duration most);

  // Sends a signal; nothing happens once the program ended.
  void Signal(int signal);
  void Stop() { Signal(SIGSTOP); }
  void Continue() { Signal(SIGCONT); }
  // kill -9, and waits until it is gone. Spares what it started: that is the fault to be tested.
  void Kill();

  // kNotFound once the program ended.
  base::Result<Usage> ReadUsage() const;

 private:
  Process(pid_t pid, int pid_fd, std::string output);
  void End();
  bool EndedWithin(base::Duration most);
  base::Error Quoting(base::Code code, const std::string& what) const;
  // Takes the first unread line that holds `text`; `read_` ends behind it, or behind the last whole
  // line.
  bool TakeLine(std::string_view text, std::string& line);

  pid_t pid_ = -1;
  int pid_fd_ = -1;
  bool ended_ = false;
  Exit exit_;
  std::string output_;
  std::uint64_t read_ = 0;  // bytes of the output that WaitForLine passed
};

// Returns a descriptor that poll finds readable once the process `pid` has ended; the caller closes
// it.
int OpenPidFd(pid_t pid);

// The processes below `pid`, children before grandchildren, as /proc shows them now.
std::vector<pid_t> Descendants(pid_t pid);

}  // namespace postern::support
