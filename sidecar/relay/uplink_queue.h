// UplinkQueue: the relay's store as the link to its parent takes it, in order and from the lowest
// record that no parent has acknowledged.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sidecar/link/outbox.h"
#include "sidecar/store/dead_letters.h"
#include "sidecar/store/reader.h"

namespace postern::relay {

class UplinkQueue final : public link::StoredQueue {
 public:
  // The store and the letters outlive the queue. Fails as Reader::Make does.
  static base::Result<std::unique_ptr<UplinkQueue>> Make(store::Store& store,
                                                         store::DeadLetters& letters);

  record::RecordPtr Next() override;
  std::uint64_t next_sequence() const override { return reader_->Peek()->sequence; }
  bool next_was_sent() const override { return next_sequence() <= sent_through_; }
  bool next_may_repeat() const override { return next_sequence() <= repeat_through_; }
  void Advance() override;
  void Reject(const std::string& why) override;
  base::Status CheckMark(const link::ParentMark& mark) override;
  void StartAfter(std::uint64_t mark, const record::StoreId& keeper) override;
  bool Acknowledge(std::uint64_t through) override;
  const record::StoreId& store() const override { return store_.id(); }
  void GoBack() override;
  std::uint64_t last_sequence() const override { return store_.last_sequence(); }
  std::uint64_t unsent_bytes() const override { return reader_->unread_bytes(); }

  // Whether every record that is kept was acknowledged.
  bool empty() const { return reader_->AtEnd(); }

 private:
  // A rejected record on its way to the dead letters, or with them.
  struct Letter {
    std::uint64_t sequence = 0;
    bool kept = false;
  };

  UplinkQueue(store::Store& store, store::DeadLetters& letters,
              std::unique_ptr<store::Reader> reader);
  std::optional<store::Reason> WhyDropped(const store::Kept& next) const;
  bool LacksRecordOf(const link::ParentMark& mark) const;
  bool DropNext(store::Reason why);

  store::Store& store_;
  store::DeadLetters& letters_;
  std::unique_ptr<store::Reader> reader_;
  std::uint64_t sent_through_;
  // What of it a process before us may have sent, which nobody wrote down.
  std::uint64_t unknown_bytes_;
  std::uint64_t repeat_through_ = 0;
  record::StoreId keeper_{};  // of the parent that was sent to last
  std::optional<Letter> letter_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::relay
