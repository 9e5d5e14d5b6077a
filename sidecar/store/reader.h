// Reader: goes through a store's records in order, and says which of them are done.
//
//   Reader uplink(store, "uplink", [] { … });     // there is more to read
//   while (const Kept* next = uplink.Peek()) { Send(*next); uplink.Next(); }
//   uplink.Done(uplink.floor(), acknowledged);    // a record that every reader is done with leaves
//
// It holds no record that it has passed: going back reads it again.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/queue/ledger.h"
#include "lib/queue/log_reader.h"
#include "sidecar/store/group.h"
#include "sidecar/store/store.h"

namespace postern::store {

using queue::Reason;

// Records that the ledger is to name, and why.
struct Left {
  Reason reason = Reason::kRejected;
  std::uint64_t records = 1;
  std::uint64_t bytes = 0;  // of their bodies
};

struct ReaderOptions {
  // Bytes of the log: where more than that stand above a record, it is evicted from this reader.
  // Absent: it is waited for. At most what leaves the log room to go on.
  std::optional<std::uint64_t> max_behind = {};
};

class Reader {
 public:
  // `cursor` is the reader's name in the folder: it goes on where one of that name ended. The store
  // outlives it. kExhausted where the store has too many.
  static base::Result<std::unique_ptr<Reader>> Make(Store& store, std::string cursor,
                                                    ReaderOptions options = {});
  ~Reader();
  // Ends a reader for good: its cursor goes, and what that alone held back.
  static void Remove(std::unique_ptr<Reader> reader);

  // `on_ready` is called when there may be more to read; not from within a call of this reader.
  void OnReady(std::function<void()> on_ready) { on_ready_ = std::move(on_ready); }

  // The next record; null where there is none now. It stays until Next or SeekAfter. Passes over
  // what is damaged, and says that it is done.
  const Kept* Peek();
  // Passes it. Requires that there is one.
  void Next();
  // Goes to the first record above `sequence`.
  void SeekAfter(std::uint64_t sequence);
  // The last sequence that was passed.
  std::uint64_t position() const { return position_; }
  // About how many bytes stand above it: exact where all of them are in memory.
  std::uint64_t unread_bytes() const;

  // About how many bytes of the log stand above what is done without a gap; 0 once all is.
  std::uint64_t bytes_behind() const;
  // Why a record is to leave instead of being passed on; nothing where it stays.
  std::optional<Reason> WhyDropped(const Kept& kept) const;
  // Everything up to here is too far behind to stay; 0 where nothing is, or it is waited for.
  std::uint64_t too_far_behind() const;
  // Reads a record again, wherever this reader stands. Nothing where it cannot be read any more,
  // kUnavailable where the disk cannot now.
  base::Result<std::optional<Kept>> Find(std::uint64_t sequence) const;
  // Calls what OnReady set from a turn of its own: this one has read enough.
  void TellSoon();

  // Everything in (after, through] is done. False where that is one range too many: again once a
  // lower one is done.
  bool Done(std::uint64_t after, std::uint64_t through);
  // As Done, for the named policy by which so many of them leave, none of which was done before:
  // written to the ledger and counted. False too while the ledger's disk is behind.
  bool Drop(std::uint64_t after, std::uint64_t through, const Left& left);
  // Writes to the ledger what may be passed on twice; it is not done by that.
  void Note(std::uint64_t after, std::uint64_t through, const Left& left);
  // Calls `then` once what was said so far survives a kill; not if the reader is gone by then.
  void AfterSaid(base::Task then);
  // Everything at or below is done.
  std::uint64_t floor() const;
  bool IsDone(std::uint64_t sequence) const;
  // The last record that there is to read so far.
  std::uint64_t end() const { return store_.readable_through_; }
  // Whether everything that the store has synced is done.
  bool AtEnd() const { return floor() >= store_.synced_through(); }

 private:
  friend class Store;
  Reader(Store& store, std::string cursor, ReaderOptions options);
  void TellReady() const { on_ready_(); }

  Store& store_;
  const std::string cursor_;
  const ReaderOptions options_;
  queue::LogReader disk_;
  GroupPtr group_;
  std::size_t index_ = 0;
  std::uint64_t position_ = 0;
  std::function<void()> on_ready_ = [] {};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::store
