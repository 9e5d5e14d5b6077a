#include "sidecar/backend/file_backend.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace postern::backend {

using base::Code;
using base::Fail;
using record::Answer;
using record::Signal;

namespace {

constexpr base::Duration kSweep = std::chrono::milliseconds(200);

std::size_t IndexOf(Signal signal) { return static_cast<std::size_t>(signal); }

}  // namespace

struct FileBackend::Writers {
  Writers(const std::string& name, fs::Storage& storage, const std::string& folder)
      : files{LineWriter(name, storage, folder, Signal::kLogs),
              LineWriter(name, storage, folder, Signal::kMetrics),
              LineWriter(name, storage, folder, Signal::kTraces)} {}

  std::array<LineWriter, kFiles> files;
};

struct FileBackend::Batch {
  base::Instant now;
  std::array<LineBatch, kFiles> files;
  std::vector<std::size_t> live;  // the file of each that waits, in their order
};

base::Result<std::unique_ptr<FileBackend>> FileBackend::Open(About about, const Options& options,
                                                             const Disk& disk,
                                                             const BackendEnv& env) {
  if (const auto folder = disk.storage.OpenFolder(options.folder); !folder) {
    return Fail(Code::kUnavailable, "backend " + about.name + ": making folder " + options.folder +
                                        ": " + folder.error().message());
  }
  return std::unique_ptr<FileBackend>(new FileBackend(std::move(about), options, disk, env));
}

FileBackend::FileBackend(About about, const Options& options, const Disk& disk,
                         const BackendEnv& env)
    : Backend(std::move(about), env),
      most_queued_(options.queue_bytes),
      worker_(disk.worker),
      writers_(std::make_shared<Writers>(name(), disk.storage, options.folder)) {}

FileBackend::~FileBackend() = default;

void FileBackend::Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) {
  const std::size_t cost = CostOf(*record);
  if (deadline <= loop().clock().Now()) {
    return Settle(*record, Unavailable("the deadline had passed; not written"), done);
  }
  if (queued_bytes_ > 0 && queued_bytes_ + cost > most_queued_) {
    return Settle(*record, Full("not written"), done);
  }
  if (pending_.empty()) sweep_ = loop().PostAfter(kSweep, [this] { OnSweep(); });
  queued_bytes_ += cost;
  pending_.push_back({std::move(record), deadline, std::move(done)});
  ShowInFlight();
  StartSoon();
}

void FileBackend::Take(record::RunPtr run, record::RunDone done) {
  Waiting& waiting = runs_.at(IndexOf(run->signal));
  CHECK(waiting.run == nullptr, "runs of a signal come one after the other");
  waiting = {std::move(run), std::move(done)};
  ++runs_out_;
  ShowInFlight();
  StartSoon();
}

// At the end of this turn: what else comes in it shares the sync.
void FileBackend::StartSoon() {
  if (busy_ || std::exchange(start_scheduled_, true)) return;
  loop().Defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    start_scheduled_ = false;
    Start();
  });
}

// Hands over everything that came meanwhile.
void FileBackend::Start() {
  if (busy_ || (pending_.empty() && runs_out_ == 0)) return;
  const auto batch = std::make_shared<Batch>();
  batch->now = loop().clock().Now();
  for (const Pending& pending : pending_) {
    const std::size_t file = IndexOf(pending.record->signal);
    batch->live.push_back(file);
    batch->files.at(file).live.push_back({.record = pending.record, .deadline = pending.deadline});
  }
  for (std::size_t at = 0; at < kFiles; ++at) batch->files.at(at).run = runs_.at(at).run;
  writing_ = pending_.size();
  busy_ = true;
  worker_.Run(
      [writers = writers_, batch] {
        for (std::size_t at = 0; at < kFiles; ++at) {
          LineBatch& lines = batch->files.at(at);
          if (lines.live.empty() && lines.run == nullptr) continue;
          writers->files.at(at).Write(lines, batch->now);
        }
      },
      [this, alive = std::weak_ptr<bool>(alive_), batch] {
        if (!alive.expired()) OnWritten(*batch);
      });
}

void FileBackend::OnWritten(Batch& batch) {
  for (std::size_t at = 0; at < writing_; ++at) queued_bytes_ -= CostOf(*pending_[at].record);
  // By index: `done` may deliver another record, which ends iterators.
  std::array<std::size_t, kFiles> next{};
  for (std::size_t at = 0; at < writing_; ++at) {
    const std::size_t file = batch.live[at];
    SettleOnce(pending_[at], std::move(batch.files.at(file).live[next.at(file)++].answer));
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(writing_));
  writing_ = 0;
  busy_ = false;
  for (std::size_t at = 0; at < kFiles; ++at) {
    LineBatch& lines = batch.files.at(at);
    if (lines.run == nullptr) continue;
    OnWritten(std::exchange(runs_.at(at), {}), std::move(lines.answer));
  }
  ShowInFlight();
  if (!pending_.empty() || runs_out_ > 0) StartSoon();
}

void FileBackend::OnWritten(const Waiting& waiting, record::RunAnswer answer) {
  --runs_out_;
  const auto to_nobody = [](const Answer&) {};
  const std::vector<record::Run::Item>& records = waiting.run->records;
  if (!answer.whole.ok()) {
    if (!records.empty()) Settle(*records.front().record, answer.whole, to_nobody);
  } else {
    auto rejected = answer.rejected.begin();
    for (std::size_t at = 0; at < records.size(); ++at) {
      const bool bad = rejected != answer.rejected.end() && rejected->index == at;
      Settle(*records[at].record, bad ? (rejected++)->answer : Answer(), to_nobody);
    }
  }
  waiting.done(std::move(answer));
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
  const record::RecordPtr record = pending.record;  // `pending` may move in `done`
  Settle(*record, std::move(answer), done);
}

void FileBackend::ShowInFlight() { metrics().InFlight(pending_.size() + runs_out_); }

}  // namespace postern::backend
