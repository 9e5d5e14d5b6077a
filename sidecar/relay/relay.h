// Relay: decides what becomes of a record: held for the end's answer, or answered for and kept.
//
//   own clients → Accept ─┬ EndToEnd → way up or backends → the client's answer
//                         └ Memory   → answered, kept, passed on until it is done
//   children    → Deliver ─ way up or backends → the child's answer
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lib/base/loop.h"
#include "sidecar/link/outbox.h"
#include "sidecar/link/store_intake.h"
#include "sidecar/record/memory_budget.h"
#include "sidecar/record/sink.h"
#include "sidecar/relay/relay_metrics.h"

namespace postern::relay {

// When a client is answered: when the end has answered, or as soon as this relay keeps the record
// in memory. The names are those of the resources.
enum class AckMode : std::uint8_t { kEndToEnd, kMemory };

// One export as a door took it in.
struct Export {
  record::Signal signal = record::Signal::kLogs;
  record::Metadata metadata;
  base::Bytes body;
  std::uint64_t held =
      0;  // bytes of the memory budget that came with it; the relay gives them back
  base::Instant deadline;
};

class Relay final : public record::Sink {
 public:
  struct Options {
    std::string host;
    record::StoreId store{};
    AckMode ack = AckMode::kEndToEnd;
    bool has_parent = false;  // records go up; otherwise to the backends
  };

  // `backends` is used where there is no parent, `outbox` where there is one; both outlive the
  // relay.
  Relay(base::Loop& loop, Options options, record::MemoryBudget& budget, link::Outbox& outbox,
        record::Sink& backends, RelayMetrics& metrics);

  // Takes a record of an own client.
  void Accept(Export exported, record::Done done);
  // Takes a record of a child, to be answered from the end.
  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override;

  // A door turned an export away before it could be accepted.
  void NoteRefused() { metrics_.refused.Increment(); }

  // From now on own clients are refused; children are not: what they hold must get out.
  void Drain() { draining_ = true; }
  bool draining() const { return draining_; }
  // How many accepted records are not done: 0 when the relay may stop.
  std::size_t Undelivered() const;

 private:
  void AcceptEndToEnd(record::Record record, std::uint64_t held, base::Instant deadline,
                      record::Done done);
  void AcceptMemory(record::Record record, std::uint64_t held, record::Done done);

  Options options_;
  record::MemoryBudget& budget_;
  link::Outbox& outbox_;
  record::Sink& backends_;
  RelayMetrics& metrics_;
  link::StoreIntake local_;  // `ack: Memory` without a parent: this relay's own store, at its end
  std::uint64_t local_session_;
  std::uint64_t sequence_ = 0;
  std::uint64_t waiting_ = 0;  // clients that wait for the end's answer
  bool draining_ = false;
};

}  // namespace postern::relay
