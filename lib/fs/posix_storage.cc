#include "lib/fs/posix_storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <system_error>
#include <utility>

#include "lib/base/check.h"

namespace postern::fs {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kFolderMode = 0750;
constexpr std::size_t kMostPieces = 128;  // fewer than IOV_MAX: they stand on the stack

Code CodeOf(int error) {
  switch (error) {
    case ENOENT: return Code::kNotFound;
    case EEXIST:
    case EWOULDBLOCK: return Code::kConflict;
    case EACCES:
    case EPERM:
    case EROFS: return Code::kDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE: return Code::kExhausted;
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
    case ENOTDIR: return Code::kInvalid;
    default: return Code::kUnavailable;
  }
}

base::Error SystemError(const std::string& attempt, int error) {
  return Fail(CodeOf(error), attempt + ": " + std::system_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Opens what `path` leads to from `folder` on.
Result<Descriptor> OpenAt(int folder, const std::string& name, int flags, const std::string& path) {
  int fd;
  do {
    fd = openat(folder, name.c_str(), flags | O_CLOEXEC, kFileMode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return SystemError("opening " + path, errno);
  return Descriptor(fd);
}

Status SyncFolder(int fd, const std::string& path) {
  if (fsync(fd) != 0) return SystemError("syncing folder " + path, errno);
  return {};
}

// What is still to be written of some slices, in pieces that one call takes.
class Unwritten {
 public:
  explicit Unwritten(Slices slices) : slices_(slices) { Fill(); }

  bool done() const { return count_ == 0; }
  const iovec* data() const { return &pieces_[first_]; }
  int count() const { return static_cast<int>(count_); }

  void Skip(std::size_t written) {
    while (count_ > 0 && written >= pieces_[first_].iov_len) {
      written -= pieces_[first_].iov_len;
      ++first_;
      --count_;
    }
    if (count_ == 0) return Fill();
    pieces_[first_].iov_base = static_cast<char*>(pieces_[first_].iov_base) + written;
    pieces_[first_].iov_len -= written;
  }

 private:
  void Fill() {
    first_ = 0;
    for (; !slices_.empty() && count_ < pieces_.size(); slices_ = slices_.subspan(1)) {
      const std::string_view slice = slices_.front();
      // The kernel only reads through it; iovec serves both ways and so has no const.
      if (!slice.empty()) pieces_[count_++] = {const_cast<char*>(slice.data()), slice.size()};
    }
  }

  Slices slices_;
  std::array<iovec, kMostPieces> pieces_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

FileId IdOfStatus(const struct stat& status) {
  return {.device = status.st_dev, .inode = status.st_ino, .regular = S_ISREG(status.st_mode)};
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  const std::string& path() const override { return path_; }

  Status WriteAt(std::uint64_t offset, Slices slices) override {
    return WriteAll(slices, [this, &offset](const Unwritten& rest) {
      const ssize_t written =
          pwritev(fd_.get(), rest.data(), rest.count(), static_cast<off_t>(offset));
      if (written > 0) offset += static_cast<std::uint64_t>(written);
      return written;
    });
  }

  Status Append(Slices slices) override {
    ASSIGN_OR_RETURN(const FileId id, Id());
    return WriteAll(slices, [this, &id](const Unwritten& rest) {
      // A device need not know the flag, and has no end to write behind.
      if (!id.regular) return writev(fd_.get(), rest.data(), rest.count());
      return pwritev2(fd_.get(), rest.data(), rest.count(), -1, RWF_APPEND);
    });
  }

  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> into) const override {
    std::size_t got = 0;
    while (got < into.size()) {
      const ssize_t read =
          pread(fd_.get(), into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
      if (read < 0 && errno == EINTR) continue;
      if (read < 0) return SystemError("reading " + path_, errno);
      if (read == 0) break;
      got += static_cast<std::size_t>(read);
    }
    return got;
  }

  Result<std::uint64_t> Size() const override {
    struct stat status {};
    if (fstat(fd_.get(), &status) != 0) return SystemError("looking at " + path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Status Shrink(std::uint64_t size) override {
    ASSIGN_OR_RETURN(const std::uint64_t now, Size());
    if (size >= now) return {};
    if (ftruncate(fd_.get(), static_cast<off_t>(size)) == 0) return {};
    return SystemError("shrinking " + path_, errno);
  }

  Status Sync() override {
    if (fdatasync(fd_.get()) != 0) return SystemError("syncing " + path_, errno);
    return {};
  }

  Result<FileId> Id() const override {
    struct stat status {};
    if (fstat(fd_.get(), &status) != 0) return SystemError("looking at " + path_, errno);
    return IdOfStatus(status);
  }

 private:
  // `write` takes some of what it is given and returns how much that was, as write(2) does.
  template <typename Write>
  Status WriteAll(Slices slices, Write write) {
    for (Unwritten rest(slices); !rest.done();) {
      const ssize_t written = write(rest);
      if (written < 0 && errno == EINTR) continue;
      // A device that takes nothing and names no error would keep us here for ever.
      if (written <= 0) return SystemError("writing " + path_, written < 0 ? errno : EIO);
      rest.Skip(static_cast<std::size_t>(written));
    }
    return {};
  }

  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public Lock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

class PosixFolder final : public Folder {
 public:
  PosixFolder(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  const std::string& path() const override { return path_; }

  Result<std::unique_ptr<File>> Create(const std::string& name, std::uint64_t size) override {
    ASSIGN_OR_RETURN(Descriptor fd,
                     OpenAt(fd_.get(), name, O_RDWR | O_CREAT | O_EXCL, PathOf(name)));
    if (const int error = Allocate(fd.get(), size); error != 0) {
      unlinkat(fd_.get(), name.c_str(), 0);
      return SystemError("taking " + std::to_string(size) + " bytes for " + PathOf(name), error);
    }
    return std::make_unique<PosixFile>(std::move(fd), PathOf(name));
  }

  Result<std::unique_ptr<File>> Open(const std::string& name) override {
    ASSIGN_OR_RETURN(Descriptor fd, OpenAt(fd_.get(), name, O_RDWR, PathOf(name)));
    return std::make_unique<PosixFile>(std::move(fd), PathOf(name));
  }

  Result<std::unique_ptr<const File>> OpenToRead(const std::string& name) const override {
    ASSIGN_OR_RETURN(Descriptor fd, OpenAt(fd_.get(), name, O_RDONLY, PathOf(name)));
    return std::make_unique<const PosixFile>(std::move(fd), PathOf(name));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) == 0) return {};
    return SystemError("renaming " + PathOf(from) + " to " + PathOf(to), errno);
  }

  Status Remove(const std::string& name) override {
    if (unlinkat(fd_.get(), name.c_str(), 0) == 0) return {};
    return SystemError("removing " + PathOf(name), errno);
  }

  Result<FileId> IdOf(const std::string& name) const override {
    struct stat status {};
    if (fstatat(fd_.get(), name.c_str(), &status, 0) == 0) return IdOfStatus(status);
    return SystemError("looking at " + PathOf(name), errno);
  }

  Result<std::vector<std::string>> List() const override {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entry(path_, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_regular_file(ignored)) names.push_back(entry->path().filename().string());
    }
    if (error) return SystemError("listing " + path_, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  Status Sync() override { return SyncFolder(fd_.get(), path_); }

  Result<std::unique_ptr<class Lock>> Lock(const std::string& name) override {
    ASSIGN_OR_RETURN(Descriptor fd, OpenAt(fd_.get(), name, O_RDWR | O_CREAT, PathOf(name)));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return std::make_unique<PosixLock>(std::move(fd));
    if (errno != EWOULDBLOCK) return SystemError("locking " + PathOf(name), errno);
    return Fail(Code::kConflict, "locking " + PathOf(name) + ": another process holds it");
  }

 private:
  std::string PathOf(const std::string& name) const {
    CHECK(!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos,
          "a folder's files have plain names");
    return path_ + "/" + name;
  }

  static int Allocate(int fd, std::uint64_t size) {
    if (size == 0) return 0;
    int error;
    do {
      error = posix_fallocate(fd, 0, static_cast<off_t>(size));
    } while (error == EINTR);
    return error;
  }

  Descriptor fd_;
  std::string path_;
};

Status SyncParent(const std::filesystem::path& path) {
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  ASSIGN_OR_RETURN(const Descriptor fd, OpenAt(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, parent));
  return SyncFolder(fd.get(), parent);
}

// Makes the folder where it is missing and syncs its name into the folder around it.
Status MakeFolder(const std::filesystem::path& path) {
  if (mkdir(path.c_str(), kFolderMode) == 0) return SyncParent(path);
  if (errno != EEXIST) return SystemError("making folder " + path.string(), errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<Folder>> PosixStorage::OpenFolder(const std::string& path) {
  std::filesystem::path upto;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    if (part.empty()) continue;  // a slash at the end
    upto /= part;
    RETURN_IF_ERROR(MakeFolder(upto));
  }
  // It may have been made by a process that was killed before it could sync the name. Where the
  // folder above is not ours to open, the name is not ours to keep either.
  if (const Status synced = SyncParent(upto); !synced && synced.error().code() != Code::kDenied) {
    return synced.error();
  }
  ASSIGN_OR_RETURN(Descriptor fd, OpenAt(AT_FDCWD, upto, O_RDONLY | O_DIRECTORY, path));
  return std::make_unique<PosixFolder>(std::move(fd), upto.string());
}

Result<std::unique_ptr<FolderReader>> PosixStorage::OpenToRead(const std::string& path) {
  ASSIGN_OR_RETURN(Descriptor fd, OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, path));
  return std::make_unique<PosixFolder>(std::move(fd), path);
}

}  // namespace postern::fs
