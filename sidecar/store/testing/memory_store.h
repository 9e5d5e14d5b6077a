// MemoryStore: a store without a disk, for tests in which it is only there.
//
//   MemoryStore memory(loop, budget, log.logger());
//   memory.disk.at_once = false;      // from now on a sync waits until disk.RunAll()
//
// Threads: loop.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/testing/held_worker.h"
#include "lib/fs/testing/memory_storage.h"
#include "sidecar/store/store.h"

namespace postern::store {

struct MemoryStore {
  MemoryStore(base::Loop& loop, record::MemoryBudget& budget, log::Logger& log,
              const std::string& member = "gw1.example") {
    disk.at_once = cursor_disk.at_once = true;
    auto opened =
        Store::Open({loop, disk, cursor_disk, storage, budget, log, metrics},
                    {.folder = "queue", .max_bytes = std::uint64_t{256} << 20, .member = member});
    CHECK(opened, "a store in memory opens");
    store = *std::move(opened);
  }

  base::HeldWorker disk;
  base::HeldWorker cursor_disk;
  fs::MemoryStorage storage;
  metrics::Registry registry{"test"};
  StoreMetrics metrics{registry};
  std::unique_ptr<Store> store;
};

}  // namespace postern::store
