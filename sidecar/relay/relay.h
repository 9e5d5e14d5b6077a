// Relay: decides what becomes of a record: held for the end's answer, or answered for and kept.
//
//   own clients → Accept ─┬ EndToEnd → way up or backends → the client's answer
//                         ├ Parent   → way up → kept there → the client's answer
//                         ├ Durable  → kept in the store → answered → passed on until it is done
//                         └ Memory   → answered → kept in the store, …
//   children    → Deliver ─ way up or backends → the child's answer
//
// Threads: loop.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "sidecar/link/live_queue.h"
#include "sidecar/record/memory_budget.h"
#include "sidecar/record/sink.h"
#include "sidecar/relay/relay_metrics.h"
#include "sidecar/store/store.h"

namespace postern::relay {

// When a client is answered: when the end has answered, when the parent has synced the record, when
// it is synced here, or as soon as it came in. The names are those of the resources.
enum class AckMode : std::uint8_t { kEndToEnd, kParent, kDurable, kMemory };

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
    AckMode ack = AckMode::kDurable;
    // Of each signal whether somebody takes it: what nobody does is refused to own clients, with
    // the backends' answer. Children's records are held until somebody does.
    std::array<bool, record::kSignals.size()> taken = {true, true, true};
  };

  // Where records go: the store, or past it up or to the backends.
  struct Ways {
    store::Store& store;
    link::LiveQueue* live;  // null: no parent
    record::Sink& backends;
  };
  // Everything referred to outlives the relay. kParent requires a parent.
  Relay(Options options, record::MemoryBudget& budget, const Ways& ways, RelayMetrics& metrics);

  // Takes a record of an own client.
  void Accept(Export exported, record::Done done);
  // Takes a record of a child, to be answered from the end.
  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override;

  // A door turned an export away before it could be accepted.
  void NoteRefused() { metrics_.refused.Increment(); }

  // From now on own clients are refused; children are not: what they hold must get out.
  void Drain() { draining_ = true; }
  bool draining() const { return draining_; }
  // How many own clients wait for an answer.
  std::size_t waiting() const { return waiting_; }

 private:
  void AcceptHeld(record::Record record, std::uint64_t held, base::Instant deadline,
                  record::Done done);
  void AcceptStored(record::Record record, std::uint64_t held, record::Done done);
  void OnKept(const base::Status& kept, const record::Done& client);

  const Options options_;
  record::MemoryBudget& budget_;
  const Ways ways_;
  RelayMetrics& metrics_;
  std::uint64_t sequence_ = 0;
  std::size_t waiting_ = 0;
  bool draining_ = false;
};

}  // namespace postern::relay
