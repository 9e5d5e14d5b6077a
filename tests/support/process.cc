#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <unordered_map>

#include "lib/base/check.h"

namespace postern::support {
namespace {

using base::Code;
using base::Duration;
using base::Error;
using base::Fail;
using base::Instant;
using base::Result;
using std::chrono::milliseconds;

// inotify wakes a waiter at once; this bound is for file systems where it does not.
constexpr Duration kRecheck = milliseconds(50);
constexpr std::size_t kQuotedBytes = 2'000;

std::string Reason(int error) { return std::system_category().message(error); }

// Everything exec needs, made before fork: between fork and exec nothing may allocate.
struct Launch {
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> envp;
  const char* directory = nullptr;
  int input = -1;
  int output = -1;
  int report = -1;
};

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const Process::Options& options) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view entry = *variable;
    const auto replaces = [&entry](const auto& added) {
      return entry.substr(0, entry.find('=')) == added.first;
    };
    if (!std::ranges::any_of(options.environment, replaces)) variables.emplace_back(entry);
  }
  for (const auto& [name, value] : options.environment) {
    variables.emplace_back(name).append("=").append(value);
  }
  return variables;
}

[[noreturn]] void Exec(const Launch& launch, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // the test died before the line above
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  dup2(launch.input, STDIN_FILENO);
  dup2(launch.output, STDOUT_FILENO);
  dup2(launch.output, STDERR_FILENO);
  if (launch.directory == nullptr || chdir(launch.directory) == 0) {
    execvpe(launch.argv[0], launch.argv.data(), launch.envp.data());
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t told = write(launch.report, &error, sizeof error);
  _exit(127);
}

std::string ReadFrom(const std::string& path, std::uint64_t from) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

int PollTimeout(Instant until) {
  const Duration left =
      std::clamp<Duration>(until - std::chrono::steady_clock::now(), {}, kRecheck);
  return static_cast<int>(std::chrono::ceil<milliseconds>(left).count());
}

}  // namespace

Result<Process> Process::Start(const std::string& program, Options options) {
  Launch launch;
  launch.words = std::move(options.arguments);
  launch.words.insert(launch.words.begin(), program);
  launch.variables = Environment(options);
  launch.argv = Pointers(launch.words);
  launch.envp = Pointers(launch.variables);
  if (!options.directory.empty()) launch.directory = options.directory.c_str();
  if (options.output.empty()) options.output = "/dev/null";

  launch.output = open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (launch.output < 0) {
    return Fail(Code::kInvalid, "opening " + options.output + ": " + Reason(errno));
  }
  launch.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::array<int, 2> report{};
  CHECK(pipe2(report.data(), O_CLOEXEC) == 0, "the kernel gives a pipe");
  launch.report = report[1];

  const pid_t parent = getpid();
  const pid_t pid = fork();
  CHECK(pid >= 0, "the kernel gives a process");
  if (pid == 0) Exec(launch, parent);
  close(launch.input);
  close(launch.output);
  close(report[1]);
  int error = 0;
  const ssize_t told =
      read(report[0], &error, sizeof error);  // ends empty once exec closed the pipe
  close(report[0]);
  if (told > 0) {
    waitpid(pid, nullptr, 0);
    return Fail(Code::kNotFound, "starting " + program + ": " + Reason(error));
  }
  return Process(pid, OpenPidFd(pid), options.output);
}

Process::Process(pid_t pid, int pid_fd, std::string output)
    : pid_(pid), pid_fd_(pid_fd), output_(std::move(output)) {
  CHECK(pid_fd_ >= 0, "a child that was not waited for has a descriptor");
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pid_fd_(std::exchange(other.pid_fd_, -1)),
      ended_(other.ended_),
      exit_(other.exit_),
      output_(std::move(other.output_)),
      read_(other.read_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  End();
  pid_ = std::exchange(other.pid_, -1);
  pid_fd_ = std::exchange(other.pid_fd_, -1);
  ended_ = other.ended_;
  exit_ = other.exit_;
  output_ = std::move(other.output_);
  read_ = other.read_;
  return *this;
}

Process::~Process() { End(); }

void Process::End() {
  if (pid_ < 0) return;
  // Named before their parent dies: afterwards nothing tells whose they were.
  const std::vector<pid_t> below = running() ? Descendants(pid_) : std::vector<pid_t>{};
  Kill();
  for (const pid_t child : below) kill(child, SIGKILL);
  close(pid_fd_);
  pid_ = -1;
}

bool Process::EndedWithin(Duration most) {
  const Instant until = std::chrono::steady_clock::now() + most;
  pollfd watched{.fd = pid_fd_, .events = POLLIN, .revents = 0};
  while (!ended_) {
    if (poll(&watched, 1, PollTimeout(until)) > 0) {
      int status = 0;
      CHECK(waitpid(pid_, &status, 0) == pid_, "only its Process waits for a program");
      ended_ = true;
      if (WIFEXITED(status)) exit_.code = WEXITSTATUS(status);
      if (WIFSIGNALED(status)) exit_.signal = WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= until) {
      return false;
    }
  }
  return true;
}

Result<Process::Exit> Process::WaitForExit(Duration most) {
  if (EndedWithin(most)) return exit_;
  return Quoting(Code::kTimeout, "process " + std::to_string(pid_) + " still runs");
}

Result<std::string> Process::WaitForLine(std::string_view text, Duration most) {
  const Instant until = std::chrono::steady_clock::now() + most;
  const int changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  CHECK(changes >= 0, "the kernel gives a descriptor for file changes");
  inotify_add_watch(changes, output_.c_str(), IN_MODIFY);
  std::array<pollfd, 2> watched = {pollfd{.fd = changes, .events = POLLIN, .revents = 0},
                                   pollfd{.fd = pid_fd_, .events = POLLIN, .revents = 0}};
  Result<std::string> answer = std::string();
  while (true) {
    // Asked before the output is read: what it said last is still heard.
    const bool ended = !running();
    if (TakeLine(text, *answer)) break;
    const std::string wanted = "no line with '" + std::string(text) + "'";
    if (ended) {
      answer = Quoting(Code::kUnavailable, wanted + " before the program ended");
      break;
    }
    if (std::chrono::steady_clock::now() >= until) {
      answer = Quoting(Code::kTimeout, wanted + " in time");
      break;
    }
    poll(watched.data(), watched.size(), PollTimeout(until));
    std::array<char, 4096> events{};
    while (read(changes, events.data(), events.size()) > 0) {
    }
  }
  close(changes);
  return answer;
}

bool Process::TakeLine(std::string_view text, std::string& line) {
  const std::string content = ReadFrom(output_, read_);
  std::size_t start = 0;
  for (std::size_t end = 0; (end = content.find('\n', start)) != std::string::npos;
       start = end + 1) {
    const std::string_view whole(content.data() + start, end - start);
    if (whole.find(text) == std::string_view::npos) continue;
    line = whole;
    read_ += end + 1;
    return true;
  }
  read_ += start;
  return false;
}

Error Process::Quoting(Code code, const std::string& what) const {
  std::string said = ReadFrom(output_, 0);
  if (said.size() > kQuotedBytes) said = "…" + said.substr(said.size() - kQuotedBytes);
  return Error(code, what + "; it said:\n" + said);
}

void Process::Signal(int signal) {
  if (running()) kill(pid_, signal);
}

void Process::Kill() {
  Signal(SIGKILL);
  EndedWithin(std::chrono::hours(1));
}

Result<Process::Usage> Process::ReadUsage() const {
  const std::string folder = "/proc/" + std::to_string(pid_);
  const std::string status = ReadFrom(folder + "/status", 0);
  const std::size_t anon = status.find("RssAnon:");
  const std::string stat = ReadFrom(folder + "/stat", 0);
  if (ended_ || anon == std::string::npos) {
    return Fail(Code::kNotFound, "process " + std::to_string(pid_) + " has ended");
  }
  Usage usage;
  usage.rss_anon = std::stoull(status.substr(anon + std::strlen("RssAnon:"))) * 1024;
  // Fields behind the name, which may hold anything: state is the third, utime and stime 14th and
  // 15th.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  usage.cpu =
      std::chrono::nanoseconds(std::chrono::seconds(1)) * (user + system) / sysconf(_SC_CLK_TCK);
  return usage;
}

// By number: glibc 2.36 declares pidfd_open without extern "C".
int OpenPidFd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

std::vector<pid_t> Descendants(pid_t pid) {
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = ReadFrom(entry.path() / "stat", 0);
    if (stat.empty()) continue;  // it ended meanwhile
    std::istringstream fields(stat.substr(stat.rfind(')') + 1));
    char state = 0;
    pid_t parent = 0;
    fields >> state >> parent;
    children[parent].push_back(static_cast<pid_t>(std::stoi(name)));
  }
  std::vector<pid_t> below = children[pid];
  for (std::size_t i = 0; i < below.size(); ++i) {
    const std::vector<pid_t>& next = children[below[i]];
    below.insert(below.end(), next.begin(), next.end());
  }
  return below;
}

}  // namespace postern::support
