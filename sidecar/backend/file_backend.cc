#include "sidecar/backend/file_backend.h"

#include <pthread.h>

#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

#include "lib/otlp/to_json.h"

namespace postern::backend {
namespace {

using base::Code;
using base::Fail;
using record::Answer;
using record::AnswerCode;
using record::Signal;

constexpr base::Duration kSweep = std::chrono::milliseconds(200);
// A disk that failed is asked again at the clients' pace, not faster than this.
constexpr std::chrono::seconds kRetryAfterFault{5};
// Lines are written when so much is together: a larger write is no faster and takes more memory.
constexpr std::size_t kWriteSize = std::size_t{1} << 20;
constexpr std::size_t kKeptCapacity = 4 * kWriteSize;

otlp::Signal OtlpSignal(Signal signal) { return static_cast<otlp::Signal>(signal); }
static_assert(static_cast<int>(otlp::Signal::kTraces) == static_cast<int>(Signal::kTraces));

std::string FilePath(const std::string& folder, Signal signal) {
  return folder + "/" + std::string(record::SignalName(signal)) + ".jsonl";
}

// Signals are the main thread's. Of all of them SIGXFSZ counts: at a file size limit it would end
// the program, where a blocked one leaves EFBIG to write(2).
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

base::Result<std::unique_ptr<FileBackend>> FileBackend::Open(About about, const Options& options,
                                                             const BackendEnv& env) {
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) {
    return Fail(Code::kUnavailable, "backend " + about.name + ": making folder " + options.folder +
                                        ": " + error.message());
  }
  return std::unique_ptr<FileBackend>(new FileBackend(std::move(about), options, env));
}

FileBackend::FileBackend(About about, const Options& options, const BackendEnv& env)
    : Backend(std::move(about), env),
      most_queued_(options.queue_bytes),
      self_(std::make_shared<FileBackend*>(this)),
      files_{LineFile(FilePath(options.folder, Signal::kLogs)),
             LineFile(FilePath(options.folder, Signal::kMetrics)),
             LineFile(FilePath(options.folder, Signal::kTraces))},
      thread_([this] { Run(); }) {}

FileBackend::~FileBackend() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void FileBackend::Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) {
  const base::Instant now = loop().clock().Now();
  const std::size_t cost = CostOf(*record);
  if (deadline <= now) {
    return Settle(*record, Unavailable("the deadline had passed; not written"), done);
  }
  if (queued_bytes_ > 0 && queued_bytes_ + cost > most_queued_) {
    return Settle(*record, Full("not written"), done);
  }
  if (pending_.empty()) sweep_ = loop().PostAfter(kSweep, [this] { OnSweep(); });
  queued_bytes_ += cost;
  Job job{first_id_ + pending_.size(), record, deadline, now};
  pending_.push_back({std::move(record), deadline, std::move(done)});
  metrics().InFlight(pending_.size());
  base::MutexLock lock(mutex_);
  if (jobs_.empty()) changed_.NotifyAll();
  jobs_.push_back(std::move(job));
}

void FileBackend::OnWritten(std::vector<Written> batch) {
  for (Written& written : batch) {
    Pending& pending = pending_[written.id - first_id_];
    pending.written = true;
    queued_bytes_ -= CostOf(*pending.record);
    SettleOnce(pending, std::move(written.answer));
  }
  DropSettled();
}

// A disk that hangs must not keep clients waiting: they hear at their deadline.
void FileBackend::OnSweep() {
  const base::Instant now = loop().clock().Now();
  // By index: `done` may deliver another record, which ends iterators.
  // NOLINTNEXTLINE(modernize-loop-convert)
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i].deadline > now) continue;
    SettleOnce(pending_[i], Unavailable("not written before the deadline, outcome unknown"));
  }
  if (!pending_.empty()) sweep_ = loop().PostAfter(kSweep, [this] { OnSweep(); });
}

void FileBackend::SettleOnce(Pending& pending, Answer answer) {
  if (std::exchange(pending.settled, true)) return;
  const record::Done done = std::exchange(pending.done, nullptr);
  Settle(*pending.record, std::move(answer), done);
}

void FileBackend::DropSettled() {
  while (!pending_.empty() && pending_.front().written) {
    pending_.pop_front();
    ++first_id_;
  }
  metrics().InFlight(pending_.size());
}

void FileBackend::Run() {
  BlockSignals();
  for (;;) {
    const std::vector<Job> batch = NextBatch();
    if (batch.empty()) return;
    std::vector<Written> answers;
    answers.reserve(batch.size());
    for (const Signal signal : record::kSignals) WriteSignal(signal, batch, answers);
    loop().Post([self = std::weak_ptr(self_), answers = std::move(answers)]() mutable {
      if (const auto backend = self.lock()) (*backend)->OnWritten(std::move(answers));
    });
  }
}

// Everything that came meanwhile; nothing when it is time to end.
std::vector<FileBackend::Job> FileBackend::NextBatch() {
  base::MutexLock lock(mutex_);
  while (jobs_.empty() && !stopping_) changed_.Wait(mutex_);
  if (stopping_) return {};
  return std::exchange(jobs_, {});
}

void FileBackend::WriteSignal(Signal signal, const std::vector<Job>& batch,
                              std::vector<Written>& answers) {
  LineFile& file = files_[static_cast<std::size_t>(signal)];
  const base::Instant now = batch.back().since;
  std::size_t first = answers.size();
  for (const Job& job : batch) {
    if (job.record->signal != signal) continue;
    answers.push_back({job.id, Convert(job, now)});
    if (text_.size() < kWriteSize) continue;
    Flush(file, now, std::span(answers).subspan(first));
    first = answers.size();
  }
  Flush(file, now, std::span(answers).subspan(first));
}

Answer FileBackend::Convert(const Job& job, base::Instant now) {
  if (job.deadline <= now) return Unavailable("the deadline passed in its queue; not written");
  const base::Status line =
      otlp::AppendJsonLine(OtlpSignal(job.record->signal), job.record->body.view(), text_);
  if (line) return {};
  return {.code = AnswerCode::kInvalidArgument,
          .message = "backend " + name() + ": " + line.error().message(),
          .response = {}};
}

// One write for all of the group's lines, and so one outcome.
void FileBackend::Flush(LineFile& file, base::Instant now, std::span<Written> group) {
  if (text_.empty()) return;
  const base::Status written = file.Append(text_, now);
  text_.clear();
  if (text_.capacity() > kKeptCapacity) text_.shrink_to_fit();
  if (written) return;
  for (Written& one : group) {
    if (one.answer.ok()) one.answer = Unavailable(written.error().message(), kRetryAfterFault);
  }
}

}  // namespace postern::backend
