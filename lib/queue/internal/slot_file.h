// SlotFile: one small value that is replaced whole, in a file that was made at its full size, so
// that replacing it needs no room on the disk.
//
// Two or three slots, each with a generation and a checksum. A value is never written over the slot
// that was synced last, nor over the one that a sync is under way for: whatever happens meanwhile,
// one of them is whole.
//
// Threads: Write from one and Sync from another where there are three slots; else one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/mutex.h"
#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "lib/queue/internal/slot_reader.h"

namespace postern::queue::internal {

class SlotFile {
 public:
  // Opens the file, makes it where it is missing or was cut short, and moves it into its new shape
  // where a former version made it. What was read, and the file itself, is synced then, whatever
  // the process before left in the cache.
  static base::Result<std::unique_ptr<SlotFile>> Open(fs::Folder& folder, const std::string& name,
                                                      const SlotShape& shape);

  // The newest value that the opening found whole, and its generation; nothing and 0 where there
  // was none.
  const std::optional<std::string>& found() const { return found_; }
  std::uint64_t found_generation() const { return found_generation_; }

  // Writes a value that fits a slot; nothing where one of a higher generation was written before.
  // Written is not yet synced.
  base::Status Write(std::uint64_t generation, std::string_view value);
  // Returns the generation that the disk now has. After a failure what was written since the last
  // good sync counts for nothing, and is to be written again under a higher one.
  base::Result<std::uint64_t> Sync();

 private:
  // The slot that holds a value, and which.
  struct Place {
    std::size_t slot = 0;
    std::uint64_t generation = 0;
  };

  SlotFile(std::unique_ptr<fs::File> file, const SlotShape& shape)
      : file_(std::move(file)), shape_(shape) {}

  static base::Result<std::unique_ptr<SlotFile>> Make(fs::Folder& folder, const std::string& name,
                                                      const SlotShape& shape);
  static base::Result<std::unique_ptr<SlotFile>> MoveFormer(fs::Folder& folder,
                                                            const std::string& name,
                                                            const SlotShape& shape,
                                                            std::string_view former);
  base::Status Load();
  std::size_t FreeSlot() const REQUIRES(mutex_);
  base::Status WriteSlot(const Place& place, std::string_view value);

  const std::unique_ptr<fs::File> file_;
  const SlotShape shape_;
  std::optional<std::string> found_;
  std::uint64_t found_generation_ = 0;

  base::Mutex mutex_;
  std::uint64_t highest_ GUARDED_BY(mutex_) = 0;     // generation, written or tried
  std::optional<Place> written_ GUARDED_BY(mutex_);  // newest, since the last sync began
  std::optional<Place> syncing_ GUARDED_BY(mutex_);
  std::optional<Place> synced_ GUARDED_BY(mutex_);  // surely whole
};

}  // namespace postern::queue::internal
