// Endpoint: an OTLP backend that a test plays: it answers what the test says, and has what it
// answered with OK.
//
//   Endpoint remote;
//   remote.AnswerWith({.code = 14});      // UNAVAILABLE
//   … records are sent, a relay dies …
//   remote.AnswerWith({});
//   EXPECT_TRUE(remote.Awaits(ids));
//
// Threads: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "lib/rpc/testing/fake_server.h"

namespace postern::chaos {

class Endpoint {
 public:
  // A request that came, with the ids in it in their order.
  struct Noted {
    std::string peer;  // its connection: each life of a relay has one of its own
    bool marked = false;
    bool taken = false;  // answered with OK
    std::vector<std::string> ids;
  };

  // Answers everything with OK. Aborts where the port cannot be had; 0: any.
  explicit Endpoint(std::uint16_t port = 0);

  void AnswerWith(const rpc::FakeServer::Reply& reply);
  // From now on every request with this record in it is answered with UNAVAILABLE; "": none.
  void Refuse(const std::string& id);

  std::uint16_t port() const { return server_.port(); }
  // One of a relay's `backends`, named remote, that leads here; `more`: fields with their comma.
  std::string AsBackend(const std::string& more = "") const;
  int requests() const;
  // Each of them, in order.
  std::vector<Noted> noted() const;
  // The ids that it has, as often as it has them.
  std::vector<std::string> all() const;
  // Those that came without a mark that they may be repeats.
  std::vector<std::string> unmarked() const;
  // Waits until it has all of these; false where kSoon is not enough.
  bool Awaits(const std::vector<std::string>& ids) const;

 private:
  // Notes a request. False where it holds the one that is refused, or none `may_be_taken`.
  bool Take(const rpc::FakeServer::Request& request, bool may_be_taken);

  mutable std::mutex mutex_;
  std::string refused_;
  std::vector<Noted> noted_;
  rpc::FakeServer server_;  // last: its threads end before what they write to
};

}  // namespace postern::chaos
