// FileBackend: delivers as OTLP/JSON lines into a folder, one file for each signal:
// logs.jsonl, metrics.jsonl, traces.jsonl; one export is one line.
//
//   ASSIGN_OR_RETURN(auto local, FileBackend::Open({.name = "local"},
//                    {.folder = "/var/lib/postern/delivered"}, {storage, worker}, env));
//
// A worker converts and writes; what waits for it goes out in one write and one sync. OK means that
// the line is synced. What a store keeps comes in runs: of those nothing is written twice, whatever
// ends this process (LineFile).
//
// Threads: loop.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/worker.h"
#include "lib/fs/storage.h"
#include "sidecar/backend/backend.h"
#include "sidecar/backend/line_writer.h"
#include "sidecar/record/run_sink.h"

namespace postern::backend {

class FileBackend final : public Backend, public record::RunSink {
 public:
  struct Options {
    std::string folder;
    // Records of live clients that wait or are being written; a large one gets in alone.
    std::size_t queue_bytes = std::size_t{32} << 20;
  };

  // The disk, and the worker that waits for it; nobody else's, or others wait for it too. They
  // outlive the backend.
  struct Disk {
    fs::Storage& storage;
    base::Worker& worker;
  };

  // Makes the folder, with those above it. kUnavailable, with the path, where that fails.
  static base::Result<std::unique_ptr<FileBackend>> Open(About about, const Options& options,
                                                         const Disk& disk, const BackendEnv& env);
  // What is being written is written to its end; what waits behind it is not.
  ~FileBackend() override;

  // kInvalidArgument: the body is no OTLP export. kUnavailable: the disk is full or fails, the
  // queue is full, or the deadline passed while it waited; only then the outcome is unknown.
  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override;
  // kUnavailable as above, but for the queue and the deadline.
  void Take(record::RunPtr run, record::RunDone done) override;

 private:
  static constexpr std::size_t kFiles = record::kSignals.size();

  // Somebody who waits for the answer to a record.
  struct Pending {
    record::RecordPtr record;
    base::Instant deadline;
    record::Done done;
    bool settled = false;
  };
  // A run whose answer did not come yet.
  struct Waiting {
    record::RunPtr run;
    record::RunDone done;
  };
  // What the worker sees: shared with it, for as long as it works.
  struct Writers;
  struct Batch;

  FileBackend(About about, const Options& options, const Disk& disk, const BackendEnv& env);
  void StartSoon();
  void Start();
  void OnWritten(Batch& batch);
  void OnWritten(const Waiting& waiting, record::RunAnswer answer);
  void OnSweep();
  void SettleOnce(Pending& pending, record::Answer answer);
  void ShowInFlight();

  const std::size_t most_queued_;
  base::Worker& worker_;
  std::shared_ptr<Writers> writers_;
  std::size_t queued_bytes_ = 0;
  std::deque<Pending> pending_;  // the first of them are with the worker
  std::size_t writing_ = 0;      // so many
  std::array<Waiting, kFiles> runs_;
  std::size_t runs_out_ = 0;
  bool start_scheduled_ = false;
  bool busy_ = false;  // the worker has a batch
  base::Timer sweep_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::backend
