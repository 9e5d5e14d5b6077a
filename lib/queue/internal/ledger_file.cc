#include "lib/queue/internal/ledger_file.h"

#include <array>
#include <utility>

namespace postern::queue::internal {

using base::Code;
using base::Result;
using base::Status;

namespace {
constexpr std::size_t kSector = 512;
}

Result<std::vector<LedgerEntry>> LedgerFile::Open(fs::Folder& folder) {
  auto opened = folder.Open(std::string(kLedgerName));
  if (!opened && opened.error().code() != Code::kNotFound) return std::move(opened).error();
  if (opened) {
    ASSIGN_OR_RETURN(const std::uint64_t size, (*opened)->Size());
    if (size == kLedgerBytes) {
      file_ = *std::move(opened);
    } else {
      RETURN_IF_ERROR(folder.Remove(std::string(kLedgerName)));  // its making was cut short
    }
  }
  if (file_ == nullptr) {
    const Status made = Make(folder);
    if (!made && made.error().code() != Code::kExhausted) return made.error();
    return std::vector<LedgerEntry>();
  }
  ASSIGN_OR_RETURN(const std::string bytes, Read());
  auto entries = ParseLedger(bytes);
  if (!entries.empty()) {
    // As a whole: a page that cannot be read could not be written in part.
    const std::array<std::string_view, 1> slices{bytes};
    RETURN_IF_ERROR(file_->WriteAt(0, slices));
  }
  RETURN_IF_ERROR(SyncAll(folder));
  return entries;
}

Status LedgerFile::Make(fs::Folder& folder) {
  const std::string name(kLedgerName);
  ASSIGN_OR_RETURN(file_, folder.Create(name, kLedgerBytes));
  Status synced = SyncAll(folder);
  if (synced) return {};
  file_.reset();
  (void)folder.Remove(name);  // the next try makes it anew
  return synced;
}

// The bytes and the name: without the latter a power cut takes both.
Status LedgerFile::SyncAll(fs::Folder& folder) {
  RETURN_IF_ERROR(file_->Sync());
  return folder.Sync();
}

// A sector that cannot be read costs the entries that stand there, and nothing else.
Result<std::string> LedgerFile::Read() const {
  std::string bytes(kLedgerBytes, '\0');
  const Status whole = fs::ReadExactly(*file_, 0, bytes);
  if (whole) return bytes;
  bool any = false;
  bytes.assign(kLedgerBytes, '\0');
  for (std::size_t at = 0; at < kLedgerBytes; at += kSector) {
    std::array<char, kSector> sector{};
    if (!fs::ReadExactly(*file_, at, sector)) continue;
    bytes.replace(at, kSector, sector.data(), kSector);
    any = true;
  }
  if (any) return bytes;
  return whole.error();  // not a sector: the device
}

Status LedgerFile::Write(fs::Folder& folder, std::span<const LedgerEntry> entries) {
  if (file_ == nullptr) RETURN_IF_ERROR(Make(folder));
  for (const LedgerEntry& entry : entries) {
    const std::string bytes = EncodeLedgerEntry(entry);
    const std::array<std::string_view, 1> slices{bytes};
    RETURN_IF_ERROR(file_->WriteAt(LedgerOffset(entry.number), slices));
  }
  return file_->Sync();
}

}  // namespace postern::queue::internal
