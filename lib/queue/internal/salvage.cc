#include "lib/queue/internal/salvage.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "lib/queue/log_state.h"

namespace postern::queue::internal {

using base::Result;
using base::Status;

namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kProbes = 16;
constexpr int kMostFailures = 64;  // each may take a disk seconds
constexpr std::size_t kMostFiles = 16;
constexpr std::uint64_t kMostBytes = 1 << 20;

// Nothing where the file cannot be read at all.
std::string PartOf(fs::Folder& folder, std::uint64_t segment, const Damage& damage) {
  const std::uint64_t from = std::max(damage.from, segment);
  const auto file = folder.Open(FileName(FileKind::kSegment, segment));
  if (!file || damage.to <= from) return {};
  return Salvage(**file, from - segment, std::min(damage.to - from, kMostBytes)).value_or("");
}

std::string BytesOf(fs::Folder& folder, const Damage& damage) {
  std::string bytes;
  for (const std::string& name : folder.List().value_or(std::vector<std::string>())) {
    const auto segment = PositionIn(name, FileKind::kSegment);
    if (segment) bytes += PartOf(folder, *segment, damage);
    if (bytes.size() >= kMostBytes) break;
  }
  bytes.resize(std::min<std::size_t>(bytes.size(), kMostBytes));
  return bytes;
}

// Whether any of some sectors all over the place can be read: trying each of a device that is dead
// would take hours.
bool AnyCanBeRead(const fs::File& file, std::uint64_t offset, std::size_t size) {
  const std::size_t sectors = (size + kSector - 1) / kSector;
  const std::size_t probes = std::min(sectors, kProbes);
  for (std::size_t i = 0; i < probes; ++i) {
    const std::size_t at = (probes == 1 ? 0 : i * (sectors - 1) / (probes - 1)) * kSector;
    std::string sector(std::min(kSector, size - at), '\0');
    if (fs::ReadExactly(file, offset + at, sector)) return true;
  }
  return false;
}

// Fills `into` with what can be read and else with zeroes: to the sector, as long as not too many
// reads have failed.
void ReadPiece(const fs::File& file, std::uint64_t offset, std::span<char> into, int& failures) {
  if (fs::ReadExactly(file, offset, into)) return;
  std::fill(into.begin(), into.end(), '\0');
  const std::uint64_t middle =
      std::max((offset + into.size() / 2) / kSector, offset / kSector + 1) * kSector;
  if (++failures >= kMostFailures || middle >= offset + into.size()) return;
  const std::size_t half = middle - offset;
  ReadPiece(file, offset, into.first(half), failures);
  ReadPiece(file, middle, into.subspan(half), failures);
}

}  // namespace

Result<std::string> Salvage(const fs::File& file, std::uint64_t offset, std::uint64_t size,
                            std::string buffer) {
  ASSIGN_OR_RETURN(const std::uint64_t length, file.Size());
  std::string bytes = std::move(buffer);
  bytes.resize(std::min(size, length - std::min(length, offset)));
  const Status whole = fs::ReadExactly(file, offset, bytes);
  if (whole) return bytes;
  if (!AnyCanBeRead(file, offset, bytes.size())) return whole.error();
  int failures = 0;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    ReadPiece(file, offset + at,
              std::span(bytes).subspan(at).first(std::min(kPiece, bytes.size() - at)), failures);
  }
  return bytes;
}

Result<std::string> Salvage(fs::Folder& folder, const std::string& name, std::string buffer) {
  ASSIGN_OR_RETURN(const auto file, folder.Open(name));
  ASSIGN_OR_RETURN(const std::uint64_t size, file->Size());
  return Salvage(*file, 0, size, std::move(buffer));
}

bool DamagedFiles::SetAside(fs::Folder& folder, const Damage& damage) {
  if (positions_.contains(damage.from)) return false;
  if (positions_.size() >= kMostFiles) return true;
  positions_.insert(damage.from);
  const std::string bytes = BytesOf(folder, damage);
  const auto file = folder.Create(FileName(FileKind::kDamaged, damage.from), bytes.size());
  const std::array<std::string_view, 1> slices{bytes};
  if (file && (*file)->WriteAt(0, slices)) (void)(*file)->Sync();
  return true;
}

}  // namespace postern::queue::internal
