#include "lib/queue/log_state.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <random>

#include "lib/base/crc32c.h"
#include "lib/queue/internal/fields.h"

namespace postern::queue {

using base::Code;
using base::Fail;
using base::Result;
using internal::AppendField;
using internal::FieldReader;

namespace {

constexpr std::uint32_t kCheckpointMagic = 0x4b524d50;  // "PMRK"
constexpr std::uint32_t kCheckpointVersion = 1;
constexpr std::size_t kCrcSize = 4;
constexpr std::size_t kDigits = 16;
constexpr std::array<std::string_view, 3> kSuffixes{".log", ".marks", ".damaged"};

template <typename Bytes>
Bytes RandomBytes() {
  std::random_device random;
  Bytes bytes{};
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random()); });
  return bytes;
}

}  // namespace

Tag NewTag() { return RandomBytes<Tag>(); }
StoreId NewStoreId() { return RandomBytes<StoreId>(); }

std::string EncodeIdentity(const Identity& identity) {
  std::string bytes;
  AppendField(identity.tag, bytes);
  AppendField(identity.store, bytes);
  AppendField(identity.open_count, bytes);
  return bytes;
}

Result<Identity> ParseIdentity(std::string_view bytes) {
  FieldReader in(bytes);
  Identity identity;
  identity.tag = in.Array<sizeof(Tag)>();
  identity.store = in.Array<sizeof(StoreId)>();
  identity.open_count = in.U64();
  if (!in.ok() || !in.rest().empty()) return Fail(Code::kCorrupt, "the store's file is damaged");
  return identity;
}

std::string EncodeCheckpoint(const Checkpoint& checkpoint, const Tag& tag) {
  std::string bytes;
  AppendField(kCheckpointMagic, bytes);
  AppendField(kCheckpointVersion, bytes);
  AppendField(tag, bytes);
  AppendField(checkpoint.position, bytes);
  AppendField(static_cast<std::uint32_t>(checkpoint.cursors.size()), bytes);
  bytes += checkpoint.cursors;
  bytes += checkpoint.marks;
  AppendField(base::Crc32c(bytes), bytes);
  return bytes;
}

Result<Checkpoint> ParseCheckpoint(std::string_view bytes, const Tag& tag, std::uint64_t position) {
  const auto damaged = [position] {
    return Fail(Code::kCorrupt, "the checkpoint of " + std::to_string(position) + " is damaged");
  };
  if (bytes.size() < kCrcSize) return damaged();
  FieldReader end(bytes.substr(bytes.size() - kCrcSize));
  bytes.remove_suffix(kCrcSize);
  FieldReader in(bytes);
  const bool magic = in.U32() == kCheckpointMagic && in.U32() == kCheckpointVersion;
  const Tag found = in.Array<sizeof(Tag)>();
  Checkpoint checkpoint;
  checkpoint.position = in.U64();
  checkpoint.cursors = in.Raw(in.U32());
  if (!in.ok() || !magic || found != tag || checkpoint.position != position ||
      end.U32() != base::Crc32c(bytes)) {
    return damaged();
  }
  checkpoint.marks = in.rest();
  return checkpoint;
}

std::string FileName(FileKind kind, std::uint64_t position) {
  std::string name(kDigits, '0');
  std::array<char, kDigits> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), position, 16).ptr;
  const auto count = static_cast<std::size_t>(end - digits.begin());
  name.replace(kDigits - count, count, digits.data(), count);
  return name.append(kSuffixes[static_cast<std::size_t>(kind)]);
}

Result<std::uint64_t> PositionIn(std::string_view name, FileKind kind) {
  const std::string_view digits = name.substr(0, kDigits);
  std::uint64_t position = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), position, 16);
  // Printed again, so that no second spelling of a position passes.
  if (error != std::errc() || FileName(kind, position) != name) {
    return Fail(Code::kInvalid, "'" + std::string(name) + "' is another file's name");
  }
  return position;
}

}  // namespace postern::queue
