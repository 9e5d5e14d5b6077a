#include "lib/fs/testing/memory_storage.h"

#include <utility>

namespace postern::fs {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

namespace {

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<MemoryStorage::Content> content, std::string path)
      : content_(std::move(content)), path_(std::move(path)) {}

  const std::string& path() const override { return path_; }

  Status WriteAt(std::uint64_t offset, Slices slices) override {
    base::MutexLock lock(content_->mutex);
    for (const std::string_view slice : slices) {
      if (slice.empty()) continue;
      std::string& bytes = content_->bytes;
      if (bytes.size() < offset + slice.size()) bytes.resize(offset + slice.size());
      slice.copy(bytes.data() + offset, slice.size());
      offset += slice.size();
    }
    return {};
  }

  Status Append(Slices slices) override {
    base::MutexLock lock(content_->mutex);
    for (const std::string_view slice : slices) content_->bytes += slice;
    return {};
  }

  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> into) const override {
    base::MutexLock lock(content_->mutex);
    if (offset >= content_->bytes.size()) return std::size_t{0};
    return content_->bytes.copy(into.data(), into.size(), offset);
  }

  Result<std::uint64_t> Size() const override {
    base::MutexLock lock(content_->mutex);
    return content_->bytes.size();
  }

  Status Shrink(std::uint64_t size) override {
    base::MutexLock lock(content_->mutex);
    if (size < content_->bytes.size()) content_->bytes.resize(size);
    return {};
  }

  Status Sync() override { return {}; }
  Result<FileId> Id() const override { return MemoryStorage::IdOf(*content_); }

 private:
  std::shared_ptr<MemoryStorage::Content> content_;
  std::string path_;
};

class MemoryLock final : public Lock {
 public:
  MemoryLock(std::shared_ptr<MemoryStorage::Names> names, std::string name)
      : names_(std::move(names)), name_(std::move(name)) {}
  ~MemoryLock() override {
    base::MutexLock lock(names_->mutex);
    names_->locked.erase(name_);
  }

 private:
  std::shared_ptr<MemoryStorage::Names> names_;
  std::string name_;
};

class MemoryFolder final : public Folder {
 public:
  explicit MemoryFolder(std::shared_ptr<MemoryStorage::Names> names) : names_(std::move(names)) {}

  const std::string& path() const override { return names_->path; }

  Result<std::unique_ptr<File>> Create(const std::string& name, std::uint64_t size) override {
    base::MutexLock lock(names_->mutex);
    if (names_->files.contains(name)) return Fault(Code::kConflict, "making", name);
    auto content = std::make_shared<MemoryStorage::Content>();
    {
      base::MutexLock filling(content->mutex);
      content->bytes.resize(size);
    }
    names_->files[name] = content;
    return std::make_unique<MemoryFile>(std::move(content), PathOf(name));
  }

  Result<std::unique_ptr<File>> Open(const std::string& name) override { return Find(name); }
  Result<std::unique_ptr<const File>> OpenToRead(const std::string& name) const override {
    return Find(name);
  }

  Result<FileId> IdOf(const std::string& name) const override {
    ASSIGN_OR_RETURN(const auto file, Find(name));
    return file->Id();
  }

  Status Rename(const std::string& from, const std::string& to) override {
    base::MutexLock lock(names_->mutex);
    auto moved = names_->files.extract(from);
    if (moved.empty()) return Fault(Code::kNotFound, "renaming", from);
    names_->files[to] = std::move(moved.mapped());
    return {};
  }

  Status Remove(const std::string& name) override {
    base::MutexLock lock(names_->mutex);
    if (names_->files.erase(name) == 0) return Fault(Code::kNotFound, "removing", name);
    return {};
  }

  Result<std::vector<std::string>> List() const override {
    base::MutexLock lock(names_->mutex);
    std::vector<std::string> names;
    for (const auto& [name, content] : names_->files) names.push_back(name);
    return names;
  }

  Status Sync() override { return {}; }

  Result<std::unique_ptr<class Lock>> Lock(const std::string& name) override {
    base::MutexLock lock(names_->mutex);
    if (!names_->locked.insert(name).second) return Fault(Code::kConflict, "locking", name);
    if (!names_->files.contains(name)) {
      names_->files[name] = std::make_shared<MemoryStorage::Content>();
    }
    return std::make_unique<MemoryLock>(names_, name);
  }

 private:
  Result<std::unique_ptr<MemoryFile>> Find(const std::string& name) const {
    base::MutexLock lock(names_->mutex);
    const auto found = names_->files.find(name);
    if (found == names_->files.end()) return Fault(Code::kNotFound, "opening", name);
    return std::make_unique<MemoryFile>(found->second, PathOf(name));
  }
  std::string PathOf(const std::string& name) const { return names_->path + "/" + name; }
  base::Error Fault(Code code, const char* attempt, const std::string& name) const {
    return Fail(code, attempt + (" " + PathOf(name)) + ": " + std::string(base::CodeName(code)));
  }

  std::shared_ptr<MemoryStorage::Names> names_;
};

}  // namespace

Result<std::unique_ptr<Folder>> MemoryStorage::OpenFolder(const std::string& path) {
  base::MutexLock lock(mutex_);
  std::shared_ptr<Names>& names = folders_[path];
  if (names == nullptr) names = std::make_shared<Names>(path);
  return std::make_unique<MemoryFolder>(names);
}

Result<std::unique_ptr<FolderReader>> MemoryStorage::OpenToRead(const std::string& path) {
  base::MutexLock lock(mutex_);
  const auto found = folders_.find(path);
  if (found == folders_.end()) return Fail(Code::kNotFound, "opening " + path + ": not found");
  return std::make_unique<MemoryFolder>(found->second);
}

}  // namespace postern::fs
