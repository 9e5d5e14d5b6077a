// LineState: the small file beside a file of lines that tells how far it came: .logs.state.
//
//   ASSIGN_OR_RETURN(auto state, LineState::Open(*folder, ".logs.state"));
//   RETURN_IF_ERROR(state->Begin(group));   // synced: these lines come now
//   … the lines are appended and synced …
//   state->End();                           // they are there; not synced
//
// Three slots of one checksum each. Begin takes turns in the first two, so that the one before is
// whole until the next is; End has the third to itself, so that it spoils neither:
//
//   slot 0  begun 1                begun 5        after a kill the third tells that nothing is
//   open; slot 1            begun 3                     after a power cut it may be missing: then
//   the slot 2      ended 2     ended 4     ended 6   lines themselves tell, by their checksum
//
// Threads: loop (its owner's: the thread that writes).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/result.h"
#include "lib/fs/storage.h"
#include "sidecar/record/record.h"

namespace postern::backend {

// Lines that are appended together.
struct LineGroup {
  record::StoreId store{};    // whose records the file holds
  std::uint64_t before = 0;   // through which sequence without these lines
  std::uint64_t through = 0;  // and with them
  std::uint64_t inode = 0;    // of the file
  std::uint64_t offset = 0;   // of the lines in it
  std::uint64_t length = 0;
  std::uint32_t crc = 0;

  bool operator==(const LineGroup&) const = default;
};

class LineState {
 public:
  // Makes the file where it is missing; its name is the folder's to sync. What it holds is synced
  // when this returns, whatever a process before could not sync. Errors are the storage's.
  static base::Result<std::unique_ptr<LineState>> Open(fs::Folder& folder, const std::string& name);

  // The last group; nothing where there was none.
  const std::optional<LineGroup>& group() const { return group_; }
  // Whether its lines are known to be there.
  bool ended() const { return ended_; }

  // Returns once the disk has it. After a failure the last group is another one or this one.
  base::Status Begin(const LineGroup& group);
  // The lines of the last group are on the disk. Where that cannot be written, they tell it.
  void End();

 private:
  struct Slot {
    std::uint64_t generation = 0;
    bool ended = false;
    LineGroup group;
  };

  static constexpr std::size_t kSlots = 3;
  static constexpr std::size_t kEndSlot = 2;

  explicit LineState(std::unique_ptr<fs::File> file) : file_(std::move(file)) {}
  base::Status Load();
  base::Status Write(std::size_t slot, std::string_view bytes);
  static std::string Print(const Slot& slot);
  static std::optional<Slot> Parse(std::string_view bytes);

  std::unique_ptr<fs::File> file_;
  std::optional<LineGroup> group_;
  bool ended_ = true;
  std::uint64_t generation_ = 0;
  std::size_t synced_slot_ = 1;  // of the last Begin that the disk has
};

}  // namespace postern::backend
