// The backends that a configuration names, made and put behind one sink.
//
// Threads: loop.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/loop.h"
#include "lib/base/result.h"
#include "lib/base/worker.h"
#include "lib/fs/storage.h"
#include "lib/log/logger.h"
#include "lib/metrics/registry.h"
#include "sidecar/backend/backend.h"
#include "sidecar/backend/fan_out.h"
#include "sidecar/config/config.h"
#include "sidecar/relay/backend_feed.h"
#include "sidecar/relay/run_feed.h"

namespace postern::app {

class Backends {
 public:
  // kInvalid for a caFile that is none, kUnavailable for a folder that cannot be written.
  static base::Result<std::unique_ptr<Backends>> Make(const std::vector<config::Backend>& wanted,
                                                      const std::string& state_folder,
                                                      fs::Storage& storage,
                                                      const backend::BackendEnv& env);

  // Delivers to every backend of a record's signal.
  record::Sink& sink() { return fan_out_; }
  // Whether some backend takes it.
  bool accepts(record::Signal signal) const { return fan_out_.accepts(signal); }
  // Begins to deliver what the store keeps, to each backend at its own pace. The store outlives the
  // backends.
  base::Status Feed(const relay::BackendFeed::Env& env, store::Store& store);
  // Whether every backend is done with all that is kept for it.
  bool empty() const;

 private:
  struct Maker;
  struct Made {
    std::unique_ptr<base::Worker> worker;  // of its own, where it waits for a disk
    std::unique_ptr<backend::Backend> backend;
    record::RunSink* runs = nullptr;  // the backend, where it takes runs
    std::uint64_t most_merged = 0;    // bytes of one request
    std::size_t in_flight = 4;        // requests, which a kill may repeat
    std::optional<std::uint64_t> max_behind;
  };
  explicit Backends(std::vector<Made> made);
  std::vector<backend::Backend*> All() const;

  std::vector<Made> made_;
  backend::FanOut fan_out_;
  std::vector<std::unique_ptr<relay::BackendFeed>> feeds_;
  std::vector<std::unique_ptr<relay::RunFeed>> run_feeds_;
};

}  // namespace postern::app
