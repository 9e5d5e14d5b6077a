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
#include "lib/log/logger.h"
#include "lib/metrics/registry.h"
#include "sidecar/backend/backend.h"
#include "sidecar/backend/fan_out.h"
#include "sidecar/config/config.h"

namespace postern::app {

class Backends {
 public:
  // kInvalid for a caFile that is none, kUnavailable for a folder that cannot be written.
  static base::Result<std::unique_ptr<Backends>> Make(const std::vector<config::Backend>& wanted,
                                                      const std::string& state_folder,
                                                      base::Loop& loop, log::Logger& log,
                                                      metrics::Registry& registry);

  // Delivers to every backend of a record's signal.
  record::Sink& sink() { return fan_out_; }

 private:
  explicit Backends(std::vector<std::unique_ptr<backend::Backend>> made)
      : fan_out_(std::move(made)) {}

  backend::FanOut fan_out_;
};

}  // namespace postern::app
