// Crowd: many OTLP clients at once, each with a connection and an export of its own, on one thread.
//
//   Crowd crowd(topology.otlp_port(), {.clients = 1000, .filler = filler});
//   EXPECT_TRUE(crowd.Run(60s, [&] { … what is to be watched meanwhile … }));
//
// The export of client n is one log record with the ids of Sample{.records = 1, .seed = n}, n from
// 1 on, and the filler, an export that all have in common. A client sends again as OTLP clients do.
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/event_loop.h"
#include "lib/http2/transport.h"

namespace postern::integration {

class Crowd {
 public:
  struct Options {
    std::uint32_t clients = 1;
    std::string filler = {};
  };

  Crowd(std::uint16_t port, Options options);
  ~Crowd();

  // Returns once every export was taken; false where one was refused for good, or `most` is over.
  // `watch` is called in each turn.
  bool Run(base::Duration most, const std::function<void()>& watch);

  std::uint32_t taken() const { return taken_; }
  // Answers that asked for another try.
  std::uint32_t put_off() const { return put_off_; }
  // Answers that a client must not try again after.
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  class Export;
  struct Client {
    std::string head;  // gRPC's prefix and the client's own record
    std::unique_ptr<http2::Transport> transport;
    base::Timer again;
    bool taken = false;
  };

  void Dial(Client& client);
  void Send(Client& client);
  void OnAnswer(Client& client, int code, bool may_retry, const std::string& message);
  void OnClosed(Client& client);

  const std::uint16_t port_;
  const Options options_;
  base::SystemClock clock_;
  base::EventLoop loop_{clock_};
  net::Scratch scratch_;
  std::uint32_t taken_ = 0;
  std::uint32_t put_off_ = 0;
  std::vector<std::string> faults_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace postern::integration
