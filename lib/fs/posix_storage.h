// The kernel's files and folders behind Storage.
//
// Files are preallocated with posix_fallocate, written with pwritev, synced with fdatasync and
// locked with flock: a lock goes with its process, however that ends.
#pragma once

#include <memory>
#include <string>

#include "lib/fs/storage.h"

namespace postern::fs {

// Files are made with mode 0640, folders with 0750. Threads: any.
class PosixStorage final : public Storage {
 public:
  base::Result<std::unique_ptr<Folder>> OpenFolder(const std::string& path) override;
  base::Result<std::unique_ptr<FolderReader>> OpenToRead(const std::string& path) override;
};

}  // namespace postern::fs
