// FileBackend: delivers as OTLP/JSON lines into a folder, one file for each signal:
// logs.jsonl, metrics.jsonl, traces.jsonl; one export is one line.
//
//   ASSIGN_OR_RETURN(auto local, FileBackend::Open({.name = "local"},
//                    {.folder = "/var/lib/postern/delivered"}, env));
//
// A thread of its own converts and writes; what waits for it goes out in one write. OK means that
// write(2) took the line: it survives this program, not yet a power cut (LineFile).
//
// Threads: loop.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/mutex.h"
#include "lib/base/result.h"
#include "sidecar/backend/backend.h"
#include "sidecar/backend/line_file.h"

namespace postern::backend {

class FileBackend final : public Backend {
 public:
  struct Options {
    std::string folder;
    // Records that wait or are being written; a large one gets in alone.
    std::size_t queue_bytes = std::size_t{32} << 20;
  };

  // Makes the folder, with those above it. kUnavailable, with the path, where that fails.
  static base::Result<std::unique_ptr<FileBackend>> Open(About about, const Options& options,
                                                         const BackendEnv& env);
  // Ends after the batch that is being written; what waits behind it is not written.
  ~FileBackend() override;

  // kInvalidArgument: the body is no OTLP export. kUnavailable: the disk is full or fails, the
  // queue is full, or the deadline passed while it waited; only then the outcome is unknown.
  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override;

 private:
  // What the thread sees of a record. `done` stays with the loop, to which it belongs.
  struct Job {
    std::uint64_t id = 0;
    record::RecordPtr record;
    base::Instant deadline;
    base::Instant since;  // when it came; the thread reads no clock
  };
  struct Written {
    std::uint64_t id = 0;
    record::Answer answer;
  };
  struct Pending {
    record::RecordPtr record;
    base::Instant deadline;
    record::Done done;
    bool settled = false;
    bool written = false;  // the thread is done with it
  };

  FileBackend(About about, const Options& options, const BackendEnv& env);
  void OnWritten(std::vector<Written> batch);
  void OnSweep();
  void SettleOnce(Pending& pending, record::Answer answer);
  void DropSettled();

  // The thread's.
  void Run();
  std::vector<Job> NextBatch();
  void WriteSignal(record::Signal signal, const std::vector<Job>& batch,
                   std::vector<Written>& answers);
  record::Answer Convert(const Job& job, base::Instant now);
  void Flush(LineFile& file, base::Instant now, std::span<Written> group);

  const std::size_t most_queued_;
  std::size_t queued_bytes_ = 0;
  std::deque<Pending> pending_;  // by id, from first_id_ on
  std::uint64_t first_id_ = 0;
  base::Timer sweep_;
  std::shared_ptr<FileBackend*> self_;

  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<Job> jobs_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  std::array<LineFile, record::kSignals.size()> files_;  // the thread's
  std::string text_;                                     // the thread's: lines of the next write
  std::jthread thread_;
};

}  // namespace postern::backend
