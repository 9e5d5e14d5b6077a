// OtlpDoor: where local clients export logs, metrics and traces by OTLP/gRPC.
//
// Bodies are opaque. Memory for one is taken from the relay's budget before it is read; an export
// for which there is none waits, its stream's window shut, and is refused with RetryInfo when that
// takes too long.
//
// Threads: loop.
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/loop.h"
#include "lib/compress/gunzip.h"
#include "lib/http2/transport.h"
#include "lib/log/logger.h"
#include "lib/net/listener.h"
#include "sidecar/relay/relay.h"

namespace postern::service {

class OtlpExchange;

class OtlpDoor {
 public:
  struct Options {
    std::size_t max_record = 16 * 1024 * 1024;  // after inflation
    base::Duration memory_wait = std::chrono::seconds(5);
    base::Duration body_bound = std::chrono::seconds(30);  // from the headers to the last byte
    base::Duration preface_bound = std::chrono::seconds(10);
    base::Duration idle_bound = std::chrono::minutes(10);  // without a stream and a byte
  };

  // What a stream may send before memory for its body is granted.
  static constexpr std::size_t kFirstWindow = 32 * 1024;

  // What of the relay lies behind the door.
  struct Inside {
    base::Loop& loop;
    net::Scratch& scratch;
    record::MemoryBudget& budget;
    relay::Relay& relay;
    log::Logger& log;
  };

  // `socket` listens already. Everything referred to outlives the door.
  OtlpDoor(const Inside& inside, const Options& options, net::Fd socket);
  ~OtlpDoor();

  const net::SocketAddress& address() const { return listener_.address(); }
  std::size_t connections() const { return connections_.size(); }
  // Takes no more connections; asks clients to go elsewhere. Answers still go out.
  void Drain();

 private:
  friend class OtlpExchange;

  struct Client {
    net::Intake::Pass pass;
    base::Instant since;
    std::unique_ptr<http2::Transport> transport;
  };

  void OnSocket(net::Fd socket, net::Intake::Pass pass);
  void OnOver(http2::Transport* transport);
  void Tick();

  const Inside inside_;
  const Options options_;
  compress::Gunzipper gunzipper_;
  base::Timer tick_;
  std::uint64_t early_ = 0;  // bytes of bodies whose memory is not granted yet
  net::Listener listener_;
  // Exchanges that wait: for their bodies, or for memory. Looked through each second.
  std::unordered_set<OtlpExchange*> waiting_;
  std::unordered_map<http2::Transport*, Client> connections_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::service
