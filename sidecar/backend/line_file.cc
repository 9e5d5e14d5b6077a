#include "sidecar/backend/line_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace postern::backend {
namespace {

using base::Code;
using base::Fail;
using base::Status;

constexpr base::Duration kRotationCheck = std::chrono::seconds(1);

// Writes everything; returns 0 or the system's error.
int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

Status LineFile::Append(std::string_view lines, base::Instant now) {
  if (fd_ >= 0 && now - checked_ >= kRotationCheck) {
    checked_ = now;
    if (WasRotated()) Close();
  }
  if (fd_ < 0) {
    RETURN_IF_ERROR(Open());
    checked_ = now;
  }
  // Asked each time: a rotation may also have copied the file and cut it to nothing.
  struct stat before {};
  if (fstat(fd_, &before) != 0) return Failed("looking at", errno);
  const int error = WriteAll(fd_, lines);
  if (error == 0) return {};
  const Status cut = CutTo(before.st_size);
  // Opened anew next time, which cuts what could not be cut now.
  if (!cut) Close();
  return Failed("writing", error);
}

Status LineFile::Open() {
  fd_ = open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd_ < 0) return Failed("opening", errno);
  struct stat now {};
  regular_ = fstat(fd_, &now) == 0 && S_ISREG(now.st_mode);
  if (!regular_) return {};
  // A second writer's lines would be cut with ours.
  struct flock whole {};
  whole.l_type = F_WRLCK;
  if (fcntl(fd_, F_OFD_SETLK, &whole) != 0) {
    const int error = errno;
    Close();
    return Failed("locking", error);
  }
  Status cut = CutTornLine();
  if (!cut) Close();
  return cut;
}

Status LineFile::CutTornLine() {
  struct stat now {};
  if (fstat(fd_, &now) != 0) return Failed("looking at", errno);
  std::array<char, 65536> block{};
  for (off_t end = now.st_size; end > 0;) {
    const off_t start = std::max<off_t>(0, end - static_cast<off_t>(block.size()));
    const auto wanted = static_cast<std::size_t>(end - start);
    if (pread(fd_, block.data(), wanted, start) != static_cast<ssize_t>(wanted)) {
      return Failed("reading", errno);
    }
    const std::size_t newline = std::string_view(block.data(), wanted).rfind('\n');
    if (newline != std::string_view::npos) {
      const off_t whole = start + static_cast<off_t>(newline) + 1;
      return whole == now.st_size ? Status() : CutTo(whole);
    }
    end = start;
  }
  return now.st_size == 0 ? Status() : CutTo(0);
}

Status LineFile::CutTo(off_t size) {
  if (!regular_ || ftruncate(fd_, size) == 0) return {};
  return Failed("cutting a torn line off", errno);
}

bool LineFile::WasRotated() const {
  struct stat named {};
  struct stat open_one {};
  if (stat(path_.c_str(), &named) != 0 || fstat(fd_, &open_one) != 0) return true;
  return named.st_ino != open_one.st_ino || named.st_dev != open_one.st_dev;
}

void LineFile::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

base::Error LineFile::Failed(std::string_view doing, int error) const {
  return Fail(Code::kUnavailable,
              std::string(doing) + " " + path_ + ": " + std::system_category().message(error));
}

}  // namespace postern::backend
