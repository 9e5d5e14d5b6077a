#include "lib/fs/testing/faulty_storage.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/check.h"

namespace postern::fs {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

namespace {

using Disk = FaultyStorage::Disk;
using FolderNode = FaultyStorage::FolderNode;
using NodePtr = FaultyStorage::NodePtr;
constexpr std::size_t kSector = FaultyStorage::kSector;

base::Error NoPower(const std::string& path) {
  return Fail(Code::kUnavailable, "using " + path + ": the power is off");
}

template <typename T>
T Need(Result<T> result) {
  CHECK(result, "the cache in memory does not fail");
  return *std::move(result);
}
void Need(const Status& status) { CHECK(status, "the cache in memory does not fail"); }

std::string ReadAll(const File& file) {
  std::string bytes(Need(file.Size()), '\0');
  Need(ReadExactly(file, 0, bytes));
  return bytes;
}

FileId IdOf(const FaultyStorage::Node& node) { return {.device = 1, .inode = node.inode}; }

class FaultyFile final : public File {
 public:
  FaultyFile(std::shared_ptr<Disk> disk, NodePtr node)
      : disk_(std::move(disk)), node_(std::move(node)) {}

  const std::string& path() const override { return node_->cached->path(); }

  Status WriteAt(std::uint64_t offset, Slices slices) override {
    if (!disk_->power) return NoPower(path());
    std::string bytes;
    for (const std::string_view slice : slices) bytes += slice;
    const std::uint64_t size = Need(node_->cached->Size());
    if (offset + bytes.size() > size) {
      RETURN_IF_ERROR(disk_->Take(offset + bytes.size() - size, path()));
    }
    const bool struck = disk_->writes.Strikes(node_->name);
    if (struck) bytes.resize(bytes.size() / 2);
    const std::array<std::string_view, 1> written{bytes};
    Need(node_->cached->WriteAt(offset, written));
    for (std::uint64_t at = offset; at < offset + bytes.size(); at = (at / kSector + 1) * kSector) {
      node_->dirty.insert(at / kSector);
      node_->lost.erase(at / kSector);
    }
    // After the bytes, not before: which of them survive is for PowerOn to say.
    if (!disk_->Tick()) return NoPower(path());
    if (struck) return Fail(Code::kUnavailable, "writing " + path() + ": a fault of the device");
    return {};
  }

  Status Append(Slices slices) override {
    if (!disk_->power) return NoPower(path());
    return WriteAt(Need(node_->cached->Size()), slices);
  }

  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> into) const override {
    if (!disk_->power) return NoPower(path());
    const auto spoiled = node_->unreadable.lower_bound(offset / kSector);
    if (spoiled != node_->unreadable.end() && *spoiled * kSector < offset + into.size()) {
      ++disk_->failed_reads;
      return Fail(Code::kUnavailable, "reading " + path() + ": a fault of the device");
    }
    disk_->read[node_->name] += into.size();
    return node_->cached->ReadAt(offset, into);
  }

  Result<std::uint64_t> Size() const override {
    if (!disk_->power) return NoPower(path());
    return node_->cached->Size();
  }

  Status Shrink(std::uint64_t size) override {
    if (!disk_->Tick()) return NoPower(path());
    const std::uint64_t before = Need(node_->cached->Size());
    if (size < before) disk_->Give(before - size);
    return node_->cached->Shrink(size);
  }

  Status Sync() override {
    if (!disk_->Tick()) return NoPower(path());
    if (disk_->syncs.Strikes(node_->name)) {
      std::exchange(disk_->during_sync, [] {})();
      node_->lost.insert(node_->dirty.begin(), node_->dirty.end());
      return Fail(Code::kUnavailable, "syncing " + path() + ": a fault of the device");
    }
    const std::set<std::size_t> due = std::exchange(node_->dirty, node_->lost);
    std::exchange(disk_->during_sync, [] {})();
    if (!disk_->power) return NoPower(path());
    node_->disk.resize(Need(node_->cached->Size()));
    for (const std::size_t sector : due) {
      const std::size_t from = sector * kSector;
      if (node_->lost.contains(sector) || from >= node_->disk.size()) continue;
      // Of what was written over meanwhile, some is there and some is not.
      if (node_->dirty.contains(sector) && sector % 2 == 1) continue;
      const std::size_t size = std::min(kSector, node_->disk.size() - from);
      Need(ReadExactly(*node_->cached, from, {node_->disk.data() + from, size}));
    }
    return {};
  }

  Result<FileId> Id() const override {
    if (!disk_->power) return NoPower(path());
    return IdOf(*node_);
  }

 private:
  std::shared_ptr<Disk> disk_;
  NodePtr node_;
};

class FaultyLock final : public Lock {
 public:
  FaultyLock(std::shared_ptr<FolderNode> folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}
  ~FaultyLock() override { folder_->locked.erase(name_); }

 private:
  std::shared_ptr<FolderNode> folder_;
  std::string name_;
};

class FaultyFolder final : public Folder {
 public:
  FaultyFolder(std::shared_ptr<Disk> disk, std::shared_ptr<FolderNode> node)
      : disk_(std::move(disk)), node_(std::move(node)) {}

  const std::string& path() const override { return node_->cached->path(); }

  Result<std::unique_ptr<File>> Create(const std::string& name, std::uint64_t size) override {
    if (!disk_->power) return NoPower(path());
    RETURN_IF_ERROR(disk_->Take(size, path() + "/" + name));
    auto file = node_->cached->Create(name, size);
    if (!file) {
      disk_->Give(size);
      return std::move(file).error();
    }
    auto made = std::make_shared<FaultyStorage::Node>();
    made->name = name;
    made->inode = ++disk_->inodes;
    made->cached = *std::move(file);
    return Named("", name, std::move(made));
  }

  Result<std::unique_ptr<File>> Open(const std::string& name) override {
    RETURN_IF_ERROR(BeforeOpening(name));
    const auto found = node_->names.find(name);
    if (found != node_->names.end()) return std::make_unique<FaultyFile>(disk_, found->second);
    return node_->cached->Open(name);  // which fails, in its words
  }

  Result<std::unique_ptr<const File>> OpenToRead(const std::string& name) const override {
    RETURN_IF_ERROR(BeforeOpening(name));
    const auto found = node_->names.find(name);
    if (found == node_->names.end()) return node_->cached->OpenToRead(name);
    return std::make_unique<const FaultyFile>(disk_, found->second);
  }

  Result<FileId> IdOf(const std::string& name) const override {
    if (!disk_->power) return NoPower(path());
    const auto found = node_->names.find(name);
    if (found == node_->names.end()) return node_->cached->IdOf(name);
    return fs::IdOf(*found->second);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (!disk_->power) return NoPower(path());
    if (from != to) GiveUp(to);
    RETURN_IF_ERROR(node_->cached->Rename(from, to));
    auto moved = node_->names.extract(from);
    moved.mapped()->name = to;
    const auto named = Named(from, to, std::move(moved.mapped()));
    if (!named) return named.error();
    return {};
  }

  Status Remove(const std::string& name) override {
    if (!disk_->power) return NoPower(path());
    if (disk_->removes.Strikes(name)) {
      return Fail(Code::kUnavailable,
                  "removing " + path() + "/" + name + ": a fault of the device");
    }
    GiveUp(name);
    RETURN_IF_ERROR(node_->cached->Remove(name));
    node_->names.erase(name);
    node_->unsynced.push_back({name, "", nullptr});
    if (!disk_->Tick()) return NoPower(path());
    return {};
  }

  Result<std::vector<std::string>> List() const override {
    if (!disk_->power) return NoPower(path());
    return node_->cached->List();
  }

  Status Sync() override {
    if (!disk_->Tick()) return NoPower(path());
    node_->disk = node_->names;
    node_->unsynced.clear();
    return {};
  }

  Result<std::unique_ptr<class Lock>> Lock(const std::string& name) override {
    if (!disk_->power) return NoPower(path());
    if (!node_->names.contains(name)) {
      ASSIGN_OR_RETURN(const auto made, Create(name, 0));
    }
    if (node_->locked.insert(name).second) return std::make_unique<FaultyLock>(node_, name);
    return Fail(Code::kConflict, "locking " + path() + "/" + name + ": another process holds it");
  }

 private:
  Status BeforeOpening(const std::string& name) const {
    if (!disk_->power) return NoPower(path());
    if (!disk_->opens.Strikes(name)) return {};
    return Fail(disk_->opens_code, "opening " + path() + "/" + name + ": it may not be");
  }

  Result<std::unique_ptr<File>> Named(const std::string& from, const std::string& to,
                                      NodePtr node) {
    node_->names[to] = node;
    node_->unsynced.push_back({from, to, node});
    if (!disk_->Tick()) return NoPower(path());
    return std::make_unique<FaultyFile>(disk_, std::move(node));
  }

  // The room of what loses its name.
  void GiveUp(const std::string& name) {
    const auto found = node_->names.find(name);
    if (found != node_->names.end()) disk_->Give(Need(found->second->cached->Size()));
  }

  std::shared_ptr<Disk> disk_;
  std::shared_ptr<FolderNode> node_;
};

// What a power cut leaves.
class Survival {
 public:
  Survival(Unsynced unsynced, std::uint64_t seed) : unsynced_(unsynced), random_(seed) {}

  FaultyStorage::Names NamesOf(const FolderNode& folder) {
    FaultyStorage::Names names = folder.disk;
    for (const FaultyStorage::Change& change : folder.unsynced) {
      if (!Survives()) continue;
      names.erase(change.from);
      if (!change.to.empty()) names[change.to] = change.node;
    }
    return names;
  }

  std::string BytesOf(const FaultyStorage::Node& node) {
    const std::string cached = ReadAll(*node.cached);
    std::string bytes = node.disk;
    if (cached.size() != bytes.size() && Survives()) bytes.resize(cached.size());
    for (const std::size_t sector : node.dirty) {
      const std::size_t from = sector * kSector;
      const std::size_t end = std::min({from + kSector, cached.size(), bytes.size()});
      if (end <= from || node.lost.contains(sector) || !Survives()) continue;
      bytes.replace(from, end - from, cached, from, end - from);
    }
    return bytes;
  }

 private:
  bool Survives() { return unsynced_ == Unsynced::kTorn && random_() % 2 == 0; }

  Unsynced unsynced_;
  std::mt19937_64 random_;
};

}  // namespace

bool FaultyStorage::Fault::Strikes(const std::string& name) {
  if (times == 0 || name.find(part) == std::string::npos) return false;
  --times;
  return true;
}

bool FaultyStorage::Disk::Tick() {
  if (power && ++changes == cut_at) power = false;
  return power;
}

Status FaultyStorage::Disk::Take(std::uint64_t bytes, const std::string& path) {
  if (free && *free < bytes) {
    return Fail(Code::kExhausted, "taking " + std::to_string(bytes) + " bytes for " + path +
                                      ": no space left on device");
  }
  if (free) *free -= bytes;
  return {};
}

void FaultyStorage::Disk::Give(std::uint64_t bytes) {
  if (free) *free += bytes;
}

FaultyStorage::FaultyStorage() : disk_(std::make_shared<Disk>()) {}

Result<std::unique_ptr<Folder>> FaultyStorage::OpenFolder(const std::string& path) {
  if (!disk_->power) return NoPower(path);
  std::shared_ptr<FolderNode>& node = disk_->folders[path];
  if (node == nullptr) {
    node = std::make_shared<FolderNode>();
    node->cached = Need(disk_->cache->OpenFolder(path));
  }
  return std::make_unique<FaultyFolder>(disk_, node);
}

std::uint64_t FaultyStorage::bytes_read(const std::string& part) const {
  std::uint64_t bytes = 0;
  for (const auto& [name, read] : disk_->read) {
    if (name.find(part) != std::string::npos) bytes += read;
  }
  return bytes;
}

Result<std::unique_ptr<FolderReader>> FaultyStorage::OpenToRead(const std::string& path) {
  if (!disk_->power) return NoPower(path);
  const auto found = disk_->folders.find(path);
  if (found != disk_->folders.end()) return std::make_unique<FaultyFolder>(disk_, found->second);
  return disk_->cache->OpenToRead(path);  // which fails, in its words
}

void FaultyStorage::KillProcess() {
  auto next = std::make_shared<Disk>();
  next->cache = std::move(disk_->cache);
  next->changes = disk_->changes;
  next->cut_at = disk_->cut_at;
  next->syncs = disk_->syncs;
  next->writes = disk_->writes;
  next->removes = disk_->removes;
  next->opens = disk_->opens;
  next->opens_code = disk_->opens_code;
  next->free = disk_->free;
  next->inodes = disk_->inodes;
  for (const auto& [path, before] : disk_->folders) {
    auto folder = std::make_shared<FolderNode>();
    folder->cached = Need(next->cache->OpenFolder(path));
    folder->names = before->names;
    folder->disk = before->disk;
    folder->unsynced = before->unsynced;
    next->folders[path] = std::move(folder);
  }
  disk_->power = false;
  disk_ = std::move(next);
}

void FaultyStorage::PowerOn(Unsynced unsynced, std::uint64_t seed) {
  Survival survival(unsynced, seed);
  auto next = std::make_shared<Disk>();
  next->changes = disk_->changes;
  next->free = disk_->free;
  next->inodes = disk_->inodes;
  for (const auto& [path, folder] : disk_->folders) {
    auto node = std::make_shared<FolderNode>();
    node->cached = Need(next->cache->OpenFolder(path));
    for (const auto& [name, before] : survival.NamesOf(*folder)) {
      auto file = std::make_shared<Node>();
      file->name = name;
      file->inode = before->inode;
      file->disk = survival.BytesOf(*before);
      file->unreadable = before->unreadable;
      file->cached = Need(node->cached->Create(name, 0));
      const std::array<std::string_view, 1> bytes{file->disk};
      Need(file->cached->WriteAt(0, bytes));
      node->names[name] = file;
    }
    node->disk = node->names;
    next->folders[path] = std::move(node);
  }
  disk_->power = false;
  disk_ = std::move(next);
}

}  // namespace postern::fs
