// MemoryStorage: folders and files in memory, for tests that need a disk and no faults of one.
//
//   MemoryStorage storage;
//   auto folder = storage.OpenFolder("queue");
//
// Threads: any; a File and a Folder as their interface says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "lib/base/mutex.h"
#include "lib/fs/storage.h"

namespace postern::fs {

class MemoryStorage final : public Storage {
 public:
  // What a file holds; shared by its name and everybody who has it open.
  struct Content {
    mutable base::Mutex mutex;
    std::string bytes GUARDED_BY(mutex);
  };
  static FileId IdOf(const Content& content) {
    return {.device = 1, .inode = reinterpret_cast<std::uintptr_t>(&content)};
  }
  struct Names {
    explicit Names(std::string of) : path(std::move(of)) {}
    const std::string path;
    mutable base::Mutex mutex;
    std::map<std::string, std::shared_ptr<Content>> files GUARDED_BY(mutex);
    std::set<std::string> locked GUARDED_BY(mutex);
  };

  base::Result<std::unique_ptr<Folder>> OpenFolder(const std::string& path) override;
  base::Result<std::unique_ptr<FolderReader>> OpenToRead(const std::string& path) override;

 private:
  base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Names>> folders_ GUARDED_BY(mutex_);
};

}  // namespace postern::fs
