// Abandonment: takes out of the log what is held back by cursors that nobody reads any more: of a
// backend or signal that was removed, or of the way up where there is none now.
//
// Counted record by record, a few MiB in a turn of the loop; a kill goes on at the next start.
//
//   Abandonment abandonment(env, *store, needs);   // once every reader is made
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/loop.h"
#include "lib/log/logger.h"
#include "sidecar/store/reader.h"

namespace postern::store {

class Abandonment {
 public:
  // Whether the record was kept for that cursor's reader, and not only passed over by it.
  using Needs = std::function<bool(const std::string& cursor, const record::Record& record)>;

  // All of them outlive it.
  Abandonment(base::Loop& loop, log::Logger& log, Store& store, Needs needs);

  // Whether no cursor is left without a reader.
  bool done() const { return cursors_.empty(); }

 private:
  void Pump();
  void Begin();
  void ReadTurn();
  void Finish();
  void Again(base::Duration wait);

  base::Loop& loop_;
  log::Logger& log_;
  Store& store_;
  const Needs needs_;
  std::vector<std::string> cursors_;  // the last one is at work
  std::unique_ptr<Reader> reader_;
  std::uint64_t through_ = 0;  // what came later was never for this reader
  Left left_;                  // read, and not dropped yet
  Left all_;
  base::Timer again_;
};

}  // namespace postern::store
