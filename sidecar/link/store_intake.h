// StoreIntake: what a parent takes in of one child's store: records into our own store, their
// marks with them, an acknowledgement once both are synced.
//
//   mark (synced, told in Welcome and in Acks)     appended      waiting: our store is full
//     │                                              │             │
//
// The mark is in the log itself, so it outlives the intake, the process and the power.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/loop.h"
#include "sidecar/lane/batch.h"
#include "sidecar/store/store.h"

namespace postern::link {

class StoreIntake {
 public:
  // Gives credit back when the last record of a batch is synced.
  using Hold = std::shared_ptr<void>;
  // What a link hears of it.
  struct Hooks {
    std::function<void(std::uint64_t through)> on_ack;
    std::function<void(const base::Error&)> on_failed;  // our disk: the link is to end
  };

  // `store` outlives the intake.
  StoreIntake(base::Loop& loop, store::Store& store, store::Sender sender)
      : loop_(loop), store_(store), sender_(std::move(sender)) {}

  // A Hello came for this store: every older session ends, its frames count for nothing from now
  // on. Returns the new session's number.
  std::uint64_t Begin(Hooks hooks);
  // The link of that session is gone; a newer one may be in force already. Once for each Begin.
  void End(std::uint64_t session);

  // The highest synced record: what Welcome tells.
  store::Mark mark() const { return store_.SyncedMark(sender_); }
  // The id of our own store.
  const record::StoreId& keeper() const { return store_.id(); }
  // Whether a link holds it, or records of it are not synced: not to be destroyed then.
  bool in_use() const { return links_ > 0 || size() > 0; }
  std::size_t size() const { return waiting_.size() + unsynced_; }

  // Takes the records of a Data frame; those at or below the mark came before and are skipped.
  // False where the session is not the one in force.
  bool Take(std::uint64_t session, std::vector<lane::UnpackedRecord> records, const Hold& hold);

 private:
  struct Waiting {
    store::Store::Incoming incoming;
    Hold hold;
  };
  void Pump();
  // Whether the first that waits need not wait any longer.
  bool TryFirst();
  void OnKept(const base::Status& kept);
  void Fail(const base::Error& why);
  void Acknowledge();

  base::Loop& loop_;
  store::Store& store_;
  const store::Sender sender_;
  Hooks hooks_;
  std::uint64_t session_ = 0;
  int links_ = 0;
  std::deque<Waiting> waiting_;
  std::size_t unsynced_ = 0;
  bool ack_scheduled_ = false;
  base::Timer retry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::link
