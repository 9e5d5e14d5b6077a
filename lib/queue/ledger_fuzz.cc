// A ledger's file as a disk could return it: the first byte says whether slots are mended, or
// nothing would get behind their checksums. What is found rises, fits its slot, is the same when it
// is written again, and a ledger goes on behind it.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"
#include "lib/queue/ledger.h"

namespace {

using namespace postern::queue;
using internal::PutField;
using postern::base::Crc32c;

constexpr std::uint32_t kMagic = 0x47444c50;  // "PLDG"
constexpr std::size_t kCrcAt = kLedgerSlot - 4;

// Magic, version and checksum become right, and the number one of this slot's: which round of the
// ring it is of, and everything else, stays the input's.
void Mend(std::string& file, std::size_t at) {
  char* const slot = file.data() + at;
  PutField(kMagic, slot);
  PutField(std::uint32_t{1}, slot + 4);
  const std::uint64_t round = internal::FieldReader(std::string_view(file).substr(at + 8)).U64();
  PutField(round - round % kLedgerEntries + at / kLedgerSlot, slot + 8);
  PutField(Crc32c(std::string_view(file).substr(at, kCrcAt)), slot + kCrcAt);
}

// As long as it needs to be: a whole ring for each input would take all the time there is.
std::string FileOf(const std::vector<LedgerEntry>& entries) {
  std::string file;
  for (const LedgerEntry& entry : entries) {
    file.resize(std::max(file.size(), LedgerOffset(entry.number) + kLedgerSlot));
  }
  for (const LedgerEntry& entry : entries) {
    file.replace(LedgerOffset(entry.number), kLedgerSlot, EncodeLedgerEntry(entry));
  }
  return file;
}

void GoOn(const std::vector<LedgerEntry>& found) {
  Ledger ledger(found);
  for (const LedgerEntry& entry : found) {
    if (!ledger.Admits(entry.reason, entry.reader)) continue;
    LedgerEntry next = entry;
    next.after = entry.through;
    ledger.Add(next);
  }
  const std::vector<LedgerEntry> out = ledger.Collect();
  ledger.FallBack(out);
  CHECK(ledger.Collect() == out, "what did not get there is collected again");
  CHECK(ledger.waiting() == 0, "and waits no more");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string file(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (std::size_t at = 0; data[0] % 2 == 1 && at + kLedgerSlot <= file.size(); at += kLedgerSlot) {
    Mend(file, at);
  }
  const std::vector<LedgerEntry> found = ParseLedger(file);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].number > 0 && (i == 0 || found[i - 1].number < found[i].number), "numbers rise");
    CHECK(EncodeLedgerEntry(found[i]).size() == kLedgerSlot, "an entry fits its slot");
  }
  if (file.size() > kLedgerBytes) return 0;  // more slots than the ring has
  CHECK(ParseLedger(FileOf(found)) == found, "what is written can be read");
  GoOn(found);
  return 0;
}
