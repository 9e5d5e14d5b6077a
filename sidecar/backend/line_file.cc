#include "sidecar/backend/line_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/crc32c.h"
#include "lib/base/kill_point.h"

namespace postern::backend {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

namespace {

constexpr base::Duration kRotationCheck = std::chrono::seconds(1);

// A disk that fails in any way is asked again later; clients must not take it for their own fault.
Status AsUnavailable(const Status& status) {
  if (status) return {};
  return Fail(Code::kUnavailable, status.error().message());
}

// Cuts off what follows the last end of line.
Status CutTornLine(fs::File& file) {
  ASSIGN_OR_RETURN(const std::uint64_t size, file.Size());
  std::array<char, 65536> block{};
  for (std::uint64_t end = size; end > 0;) {
    const std::uint64_t start = end - std::min<std::uint64_t>(end, block.size());
    const std::span<char> part(block.data(), end - start);
    RETURN_IF_ERROR(fs::ReadExactly(file, start, part));
    const std::size_t newline = std::string_view(part.data(), part.size()).rfind('\n');
    if (newline != std::string_view::npos) return file.Shrink(start + newline + 1);
    end = start;
  }
  return file.Shrink(0);
}

}  // namespace

LineFile::LineFile(fs::Storage& storage, std::string folder, const std::string& name)
    : storage_(storage),
      folder_path_(std::move(folder)),
      name_(name + ".jsonl"),
      state_name_("." + name + ".state") {}

Status LineFile::Open(base::Instant now) {
  if (file_ != nullptr && now - checked_ >= kRotationCheck) {
    checked_ = now;
    if (WasRotated()) Close();
  }
  if (file_ != nullptr) return {};
  checked_ = now;
  Status opened = TryOpen();
  if (!opened) Close();
  return AsUnavailable(opened);
}

Status LineFile::TryOpen() {
  ASSIGN_OR_RETURN(const auto there, storage_.OpenToRead(folder_path_));
  ASSIGN_OR_RETURN(folder_, storage_.OpenFolder(folder_path_));
  Result<std::unique_ptr<fs::File>> file = folder_->Open(name_);
  if (!file && file.error().code() == Code::kNotFound) file = folder_->Create(name_, 0);
  if (!file) return std::move(file).error();
  file_ = *std::move(file);
  ASSIGN_OR_RETURN(id_, file_->Id());
  return id_.regular ? OpenRegular() : Status();
}

Status LineFile::OpenRegular() {
  // A second writer's lines would be cut with ours.
  ASSIGN_OR_RETURN(lock_, folder_->Lock(state_name_));
  ASSIGN_OR_RETURN(state_, LineState::Open(*folder_, state_name_));
  // The names, of which a process before may have made one and died.
  RETURN_IF_ERROR(folder_->Sync());
  RETURN_IF_ERROR(Recover());
  return CutTornLine(*file_);
}

Status LineFile::Recover() {
  const std::optional<LineGroup>& group = state_->group();
  const bool open = group && !state_->ended();
  bool whole = true;
  if (open && (!known_ || group == failed_)) {
    ASSIGN_OR_RETURN(whole, Settle(*group));
  }
  if (!known_ && group) {
    progress_ = {.store = group->store, .through = whole ? group->through : group->before};
  }
  known_ = true;
  failed_ = std::nullopt;
  return {};
}

// Whether the lines of a group are there, all of them; where not, none of them is afterwards.
Result<bool> LineFile::Settle(const LineGroup& group) {
  ASSIGN_OR_RETURN(const auto other, Find(group.inode));
  fs::File* const file = group.inode == id_.inode ? file_.get() : other.get();
  if (file == nullptr) return false;
  ASSIGN_OR_RETURN(const std::uint64_t size, file->Size());
  const std::uint64_t end = group.offset + group.length;
  if (!failed_ && size >= end) {
    std::string lines(group.length, '\0');
    RETURN_IF_ERROR(fs::ReadExactly(*file, group.offset, lines));
    if (base::Crc32c(lines) == group.crc) {
      // Written again, not only synced: the kernel may hold as clean what it failed to write.
      const std::array<std::string_view, 1> slices{lines};
      RETURN_IF_ERROR(file->WriteAt(group.offset, slices));
      RETURN_IF_ERROR(file->Sync());
      return true;
    }
  }
  // A longer one is not as we left it: another file that got the same number, most likely.
  if (size <= end) RETURN_IF_ERROR(file->Shrink(group.offset));
  return false;
}

// The file of that number where it has another name by now; null where it has none, or ours.
Result<std::unique_ptr<fs::File>> LineFile::Find(std::uint64_t inode) const {
  if (inode == id_.inode) return nullptr;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, folder_->List());
  for (const std::string& name : names) {
    const Result<fs::FileId> id = folder_->IdOf(name);
    if (id && id->regular && id->inode == inode) return folder_->Open(name);
  }
  return nullptr;
}

std::uint64_t LineFile::Through(const record::StoreId& store) const {
  return progress_.store == store ? progress_.through : 0;
}

Status LineFile::Append(std::string_view lines, const Progress& then) {
  Status appended = TryAppend(lines, then);
  if (!appended) {
    if (state_ != nullptr) failed_ = state_->group();
    Close();
  } else {
    progress_ = then;
  }
  return AsUnavailable(appended);
}

Status LineFile::TryAppend(std::string_view lines, const Progress& then) {
  const std::array slices{lines};
  if (!id_.regular) return file_->Append(slices);
  // Asked each time: a rotation may also have copied the file and cut it to nothing.
  ASSIGN_OR_RETURN(const std::uint64_t size, file_->Size());
  RETURN_IF_ERROR(state_->Begin({.store = then.store,
                                 .before = Through(then.store),
                                 .through = then.through,
                                 .inode = id_.inode,
                                 .offset = size,
                                 .length = lines.size(),
                                 .crc = base::Crc32c(lines)}));
  KILL_POINT("file.state-append");
  Status written = file_->Append(slices);
  if (written) written = file_->Sync();
  if (!written) {
    // Seen from outside it did not happen. Where this fails too, the next Open does it.
    (void)file_->Shrink(size);
    return written;
  }
  KILL_POINT("file.append-answer");
  state_->End();
  return {};
}

bool LineFile::WasRotated() const {
  const auto folder = storage_.OpenToRead(folder_path_);
  if (!folder) return true;
  const auto named = (*folder)->IdOf(name_);
  return !named || *named != id_;
}

void LineFile::Close() {
  state_ = nullptr;
  lock_ = nullptr;
  file_ = nullptr;
  folder_ = nullptr;
}

}  // namespace postern::backend
