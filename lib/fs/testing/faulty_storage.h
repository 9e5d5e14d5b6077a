// FaultyStorage: a disk with a cache in front of it, as a power cut finds them. Wraps a
// MemoryStorage, which is the cache; what reached the disk is kept here.
//
//   FaultyStorage disk;
//   disk.CutPowerAt(3);                 // the third change from here on finds no power
//   … use it until it fails …
//   disk.PowerOn(Unsynced::kTorn, 17);  // files and names are what a disk would hold
//
// What was synced is there. Of the rest each 512-byte sector, each length and each change of a name
// is there or not, on its own; a rename is one change. After a failed sync the sectors that it
// should have written are lost, though they can still be read, and no later sync brings them back:
// only writing them again does.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "lib/fs/testing/memory_storage.h"

namespace postern::fs {

enum class Unsynced : std::uint8_t {
  kLost,  // nothing of it is there
  kTorn,  // by chance, from the seed
};

class FaultyStorage final : public Storage {
 public:
  static constexpr std::size_t kSector = 512;
  static constexpr int kAlways = 1'000'000'000;

  FaultyStorage();

  base::Result<std::unique_ptr<Folder>> OpenFolder(const std::string& path) override;
  base::Result<std::unique_ptr<FolderReader>> OpenToRead(const std::string& path) override;

  // Changes (writes, syncs, new names…) so far: what CutPowerAt counts.
  int changes() const { return disk_->changes; }
  // The `nth` change from now, 1 the next, finds no power: a write may be there in part, another
  // change not at all. Everything fails from then on.
  void CutPowerAt(int nth) { disk_->cut_at = disk_->changes + nth; }
  bool power() const { return disk_->power; }
  // Bytes read since PowerOn or KillProcess, of files whose name holds `part`.
  std::uint64_t bytes_read(const std::string& part = "") const;
  // Files, folders and locks that were open before are dead, after either call.
  void PowerOn(Unsynced unsynced, std::uint64_t seed = 0);
  // The process is gone and the machine ran on: the cache is as it was, and as far from the disk.
  // Where CutPowerAt struck, that is where it ended.
  void KillProcess();

  // The next `times` syncs of files whose name holds `part` fail.
  void FailSyncs(int times, std::string part = "") { disk_->syncs = {times, std::move(part)}; }
  // Called in the middle of the next sync: of what it writes the disk may have a part, or nothing.
  void DuringNextSync(std::function<void()> then) { disk_->during_sync = std::move(then); }
  // The next `times` writes to such files fail after half of their bytes.
  void FailWrites(int times, std::string part = "") { disk_->writes = {times, std::move(part)}; }
  // The next `times` removals of such files fail, and the file stays.
  void FailRemoves(int times, std::string part = "") { disk_->removes = {times, std::move(part)}; }
  // The next `times` openings of such files fail so.
  void FailOpens(int times, std::string part = "", base::Code code = base::Code::kUnavailable) {
    disk_->opens = {times, std::move(part)};
    disk_->opens_code = code;
  }
  // The sector of this file that holds `offset` cannot be read any more.
  void SpoilSector(const std::string& path, const std::string& name, std::uint64_t offset) {
    disk_->folders.at(path)->names.at(name)->unreadable.insert(offset / kSector);
  }
  // Reads that met such a sector, since PowerOn or KillProcess.
  int failed_reads() const { return disk_->failed_reads; }
  // Room for new files and longer ones; without a call it never ends.
  void SetFree(std::uint64_t bytes) { disk_->free = bytes; }
  std::uint64_t free() const { return *disk_->free; }

  struct Node {  // a file, whatever its name
    std::string name;
    std::uint64_t inode = 0;
    std::unique_ptr<File> cached;
    std::string disk;
    std::set<std::size_t> dirty;  // sectors of the cache that the disk does not hold
    std::set<std::size_t> lost;   // dirty ones whose sync failed
    std::set<std::size_t> unreadable;
  };
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;
  struct Change {  // of names, not synced yet; empty names stand for none
    std::string from;
    std::string to;
    NodePtr node;
  };
  struct FolderNode {
    std::unique_ptr<Folder> cached;
    Names names;
    Names disk;
    std::vector<Change> unsynced;
    std::set<std::string> locked;
  };
  struct Fault {
    int times = 0;
    std::string part;
    bool Strikes(const std::string& name);
  };
  struct Disk {
    std::unique_ptr<MemoryStorage> cache = std::make_unique<MemoryStorage>();
    std::map<std::string, std::shared_ptr<FolderNode>> folders;
    bool power = true;
    int changes = 0;
    int cut_at = 0;
    Fault syncs;
    std::function<void()> during_sync = [] {};
    Fault writes;
    Fault removes;
    Fault opens;
    base::Code opens_code = base::Code::kUnavailable;
    int failed_reads = 0;
    std::uint64_t inodes = 0;                   // given so far
    std::map<std::string, std::uint64_t> read;  // bytes, by file name
    std::optional<std::uint64_t> free;

    // Counts a change and tells whether it still finds power.
    bool Tick();
    base::Status Take(std::uint64_t bytes, const std::string& path);
    void Give(std::uint64_t bytes);
  };

 private:
  // Each machine run has its own Disk: who holds the one before finds no power.
  std::shared_ptr<Disk> disk_;
};

}  // namespace postern::fs
