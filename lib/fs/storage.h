// Storage: the disk as the log sees it, in three citizens: the kernel's (posix_storage.h), one in
// memory and a faulty one that loses power (both in testing/).
//
//   ASSIGN_OR_RETURN(auto folder, storage.OpenFolder("/var/lib/postern/queue"));
//   ASSIGN_OR_RETURN(auto file, folder->Create("0001.log", 16 << 20));
//   RETURN_IF_ERROR(file->WriteAt(0, slices));
//   RETURN_IF_ERROR(file->Sync());     // the bytes
//   RETURN_IF_ERROR(folder->Sync());   // the name
//
// Every error names the path. Its code says what to do: kExhausted the disk or a quota is full,
// kDenied no right or a read-only disk, kNotFound, kConflict it is there already or somebody holds
// it, kUnavailable the device failed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace postern::fs {

using Slices = std::span<const std::string_view>;

// Which file it is, whatever its name. Once a file is gone, another may get its number.
struct FileId {
  std::uint64_t device = 0;  // may be another one after the machine was started anew
  std::uint64_t inode = 0;
  bool regular = true;  // not a pipe, nor a device: it has a size and can be synced

  bool operator==(const FileId&) const = default;
};

// An open file. It stays readable and writable when it is renamed or removed.
// Threads: ReadAt from any; Sync beside one other call; everything else one at a time.
class File {
 public:
  virtual ~File() = default;
  virtual const std::string& path() const = 0;

  // Writes the slices one behind the other. After a failure any part of them may be there.
  virtual base::Status WriteAt(std::uint64_t offset, Slices slices) = 0;
  // As WriteAt, behind the last byte, wherever that is by then: another process may have made the
  // file shorter. Of what is no regular file: to its reader.
  virtual base::Status Append(Slices slices) = 0;
  // Fills `into` as far as the file reaches and returns how far that was.
  virtual base::Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> into) const = 0;
  virtual base::Result<std::uint64_t> Size() const = 0;
  // Gives back what lies behind `size`; never makes the file longer.
  virtual base::Status Shrink(std::uint64_t size) = 0;
  // Returns once everything written is on the disk, as fdatasync does. After a failure nobody
  // knows what is there, and a later success does not tell either: the kernel drops what it could
  // not write.
  virtual base::Status Sync() = 0;
  virtual base::Result<FileId> Id() const = 0;
};

// Holds a lock file until it is destroyed, or the process ends in any way.
class Lock {
 public:
  virtual ~Lock() = default;
};

// A folder without folders in it, for who only looks: nothing is made, changed or locked through
// it. Names are plain: neither empty, "." nor "..", and without a slash. Threads: one at a time;
// two handles of one folder from two.
class FolderReader {
 public:
  virtual ~FolderReader() = default;
  virtual const std::string& path() const = 0;

  // A file that the reader has the right to read, and need not have the right to write.
  virtual base::Result<std::unique_ptr<const File>> OpenToRead(const std::string& name) const = 0;
  // Which file has the name now. kNotFound where none does.
  virtual base::Result<FileId> IdOf(const std::string& name) const = 0;
  // The names of the files, sorted.
  virtual base::Result<std::vector<std::string>> List() const = 0;
};

class Folder : public FolderReader {
 public:
  // Makes a file of `size` zeroes whose room on the disk is taken already, so that writing into it
  // does not fail for want of room. kConflict where the name is taken. Leaves nothing on failure.
  virtual base::Result<std::unique_ptr<File>> Create(const std::string& name,
                                                     std::uint64_t size) = 0;
  virtual base::Result<std::unique_ptr<File>> Open(const std::string& name) = 0;
  // Takes the place of what is called `to`, at once.
  virtual base::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual base::Status Remove(const std::string& name) = 0;
  // Returns once every name made, changed and removed so far is on the disk.
  virtual base::Status Sync() = 0;
  // Makes the file if need be. kConflict where a living process holds it, this one included.
  virtual base::Result<std::unique_ptr<class Lock>> Lock(const std::string& name) = 0;
};

// Threads: any.
class Storage {
 public:
  virtual ~Storage() = default;
  // Opens the folder; makes and syncs it, and those above it, where they are missing.
  virtual base::Result<std::unique_ptr<Folder>> OpenFolder(const std::string& path) = 0;
  // Opens the folder as it is. kNotFound where it is missing.
  virtual base::Result<std::unique_ptr<FolderReader>> OpenToRead(const std::string& path) = 0;
};

// Fills `into` from `offset` on. kCorrupt where the file ends before that.
base::Status ReadExactly(const File& file, std::uint64_t offset, std::span<char> into);

}  // namespace postern::fs
