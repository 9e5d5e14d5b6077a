// Sites: a parent and its children in one process, on one loop, over real sockets of 127.0.0.1.
//
//   LinkWorld world;                                    // loop, clock, CA, log
//   ParentSite parent(world, {"gw1.example"});
//   ChildSite child(world, "gw1.example", parent.port());
//   child.uplink->Start();
//   ASSERT_TRUE(world.RunUntil([&] { return child.uplink->connected(); }));
//
// Time passes as usual and can be moved on: world.clock.Advance(5s).
// Threads: loop.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/base/event_loop.h"
#include "lib/log/testing/capture.h"
#include "lib/metrics/registry.h"
#include "lib/pki/testing/test_authority.h"
#include "sidecar/link/link_server.h"
#include "sidecar/link/testing/memory_queue.h"
#include "sidecar/link/testing/script_sink.h"
#include "sidecar/link/uplink.h"
#include "sidecar/store/reader.h"
#include "sidecar/store/testing/memory_store.h"
#include "sidecar/trust/testing/identity_folder.h"

namespace postern::link {

// The system's clock, moved on by a test. Threads: any.
class MovedClock final : public base::Clock {
 public:
  base::Instant Now() const override { return system_.Now() + base::Duration(moved_); }
  base::WallTime WallNow() const override {
    return system_.WallNow() +
           std::chrono::duration_cast<base::WallTime::duration>(base::Duration(moved_));
  }
  void Advance(base::Duration by) { moved_ += by.count(); }

 private:
  base::SystemClock system_;
  std::atomic<base::Duration::rep> moved_{0};
};

struct LinkWorld {
  // Turns the loop until `done`, or for `most` of real time; returns whether it was done.
  bool RunUntil(const std::function<bool()>& done, base::Duration most = std::chrono::seconds(20)) {
    const base::Instant end = base::SystemClock().Now() + most;
    while (!done()) {
      if (base::SystemClock().Now() > end) return false;
      loop.RunOnce(std::chrono::milliseconds(5));
    }
    return true;
  }
  // Moves time on in steps, so that each timer on the way runs and sockets are served meanwhile.
  void Pass(base::Duration time, base::Duration step = std::chrono::milliseconds(100)) {
    for (base::Duration passed{0}; passed < time; passed += step) {
      clock.Advance(step);
      for (int turn = 0; turn < 4; ++turn) loop.RunOnce(base::Duration::zero());
    }
  }
  trust::IdentityPtr Identity(const std::string& host, std::uint64_t generation = 1) const {
    return trust::MakeIdentity(ca, ca.MakeMember(host), host, generation);
  }

  MovedClock clock;
  base::EventLoop loop{clock};
  net::Scratch scratch;
  net::Resolver resolver{loop};
  compress::LaneCodec codec;
  log::Capture log;
  metrics::Registry registry{"test"};
  LinkMetrics metrics{registry};
  LinkEnv env{loop, scratch, resolver, codec, log.logger(), metrics};
  pki::TestAuthority ca;
};

// Delivers what a store keeps to a sink, in order; what is refused counts as delivered.
class Delivery {
 public:
  Delivery(store::Store& store, record::Sink& sink) : sink_(sink) {
    auto made = store::Reader::Make(store, "sink");
    CHECK(made, "a store has room for a reader");
    reader_ = *std::move(made);
    reader_->OnReady([this] { Pump(); });
  }
  ~Delivery() { *alive_ = false; }

 private:
  void Pump() {
    while (const store::Kept* next = reader_->Peek()) {
      const std::uint64_t after = reader_->position();
      const std::uint64_t sequence = next->sequence;
      const record::RecordPtr record = next->record;
      reader_->Next();
      sink_.Deliver(record, {}, [this, alive = alive_, after, sequence](const record::Answer&) {
        if (*alive) CHECK(reader_->Done(after, sequence), "few are out of order");
      });
    }
  }

  record::Sink& sink_;
  std::unique_ptr<store::Reader> reader_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

struct ParentSite {
  ParentSite(LinkWorld& world, std::set<std::string> registered,
             std::uint64_t memory = 64 * 1024 * 1024, const std::string& host = "ms1.example",
             std::uint16_t port = 0)
      : ParentSite(world, std::move(registered), memory, host, port, world.Identity(host)) {}
  ParentSite(LinkWorld& world, std::set<std::string> registered, std::uint64_t memory,
             const std::string& host, std::uint16_t wanted, trust::IdentityPtr identity)
      : budget(memory), admission(std::move(registered)) {
    options.host = host;
    memory_store =
        std::make_unique<store::MemoryStore>(world.loop, budget, world.log.logger(), host);
    delivery = std::make_unique<Delivery>(*memory_store->store, sink);
    auto socket = net::Listen(*net::SocketAddress::FromIp("127.0.0.1", wanted));
    CHECK(socket.has_value(), "a port of this machine is free");
    server = std::make_unique<LinkServer>(
        world.env, options, *std::move(socket), std::move(identity),
        LinkServer::Inside{admission, sink, budget, *memory_store->store});
  }
  std::uint16_t port() const { return server->address().port(); }
  base::HeldWorker& disk() { return memory_store->disk; }

  LinkOptions options;
  record::MemoryBudget budget;
  trust::Admission admission;
  ScriptSink sink;
  std::unique_ptr<store::MemoryStore> memory_store;
  std::unique_ptr<Delivery> delivery;
  std::unique_ptr<LinkServer> server;
};

struct ChildSite {
  ChildSite(LinkWorld& world, const std::string& host, const std::vector<std::uint16_t>& ports,
            trust::IdentityPtr identity, const std::string& parent_host = "ms1.example") {
    options.host = host;
    std::vector<ParentAddress> parents;
    for (const std::uint16_t port : ports) {
      parents.push_back({.name = "ms" + std::to_string(parents.size() + 1),
                         .host = parent_host,
                         .addresses = {{"127.0.0.1", port}}});
    }
    uplink = std::make_unique<Uplink>(world.env, options, std::move(parents), std::move(identity),
                                      outbox);
  }
  ChildSite(LinkWorld& world, const std::string& host, std::uint16_t port)
      : ChildSite(world, host, {port}, world.Identity(host)) {}

  // A record whose body begins with its number, for Number().
  static record::RecordPtr MakeRecord(std::uint64_t number, std::size_t size,
                                      const std::string& host = "gw1.example") {
    std::string body = std::to_string(number) + " ";
    if (body.size() < size) body.resize(size, static_cast<char>('a' + number % 26));
    return std::make_shared<const record::Record>(
        record::Record{.signal = record::Signal::kLogs,
                       .metadata = {},
                       .origin = {.member = host, .store = {}, .sequence = number},
                       .body = base::Bytes::Copy(body)});
  }
  static std::uint64_t Number(const record::Record& record) {
    return std::stoull(std::string(record.body.view().substr(0, 20)));
  }

  void Store(std::uint64_t number, std::size_t size = 100) {
    const record::RecordPtr record = MakeRecord(number, size);
    stored.Append(*record);
  }
  void Ask(base::Instant deadline, std::uint64_t number, record::Done done,
           std::size_t size = 100) {
    outbox.live.Push(
        {.record = MakeRecord(number, size), .deadline = deadline, .done = std::move(done)});
  }
  // Asks the parent to keep it.
  void AskToKeep(base::Instant deadline, std::uint64_t number, record::Done done) {
    outbox.live.Push({.record = MakeRecord(number, 100),
                      .deadline = deadline,
                      .done = std::move(done),
                      .keep = true});
  }

  LinkOptions options;
  MemoryQueue stored{record::StoreId{1}};
  Outbox outbox{.live = {}, .stored = stored};
  std::unique_ptr<Uplink> uplink;
};

}  // namespace postern::link
