// Gate: a port that passes bytes on to another one, until a test cuts or stalls what goes through.
//
//   Gate gate(world.env, parent.port());
//   ChildSite child(world, "gw1.example", gate.port());
//   gate.Cut();          // every connection is closed now; new ones are taken
//   gate.Stall(true);    // connections stay and nothing moves: a silent peer
//
// Threads: loop.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>

#include "lib/net/connection.h"
#include "lib/net/dial.h"
#include "lib/net/listener.h"
#include "sidecar/link/link_env.h"

namespace postern::link {

class Gate {
 public:
  Gate(LinkEnv& env, std::uint16_t to)
      : env_(env),
        to_(to),
        listener_(
            env.loop, *net::Listen(*net::SocketAddress::FromIp("127.0.0.1", 0)), {},
            [this](net::Fd socket, const net::SocketAddress&, net::Intake::Pass) {
              pairs_.push_back(std::make_unique<Pair>(*this, std::move(socket)));
            },
            [] {}) {}

  std::uint16_t port() const { return listener_.address().port(); }
  void Cut() {
    for (const auto& pair : pairs_) pair->Close();
    pairs_.clear();
  }
  void Stall(bool stalled) { stalled_ = stalled; }
  std::size_t connections() const { return pairs_.size(); }

 private:
  struct Pair;
  struct End final : net::Connection::User {
    explicit End(Pair& owner) : pair(owner) {}
    void OnOpen() override {}
    void OnBytes(std::string_view bytes) override {
      if (!pair.gate.stalled_) other->Send(bytes);
    }
    void OnFill(std::string& out, std::size_t most) override {
      const std::size_t count = std::min(most, waiting.size());
      out.append(waiting, 0, count);
      waiting.erase(0, count);
    }
    void OnClosed(const base::Error&) override { pair.Close(); }
    void Send(std::string_view bytes) {
      waiting.append(bytes);
      if (connection) connection->WantWrite();
    }
    Pair& pair;
    End* other = nullptr;
    std::string waiting;
    std::unique_ptr<net::Connection> connection;
  };
  struct Pair {
    Pair(Gate& owner, net::Fd socket) : gate(owner), child(*this), parent(*this) {
      child.other = &parent;
      parent.other = &child;
      Open(child, std::move(socket));
      dial = std::make_unique<net::Dial>(gate.env_.loop, gate.env_.resolver,
                                         std::vector<net::HostPort>{{"127.0.0.1", gate.to_}},
                                         std::chrono::seconds(5), [this](base::Result<net::Fd> to) {
                                           if (!to) return Close();
                                           Open(parent, *std::move(to));
                                           parent.connection->WantWrite();
                                         });
    }
    void Open(End& end, net::Fd socket) {
      end.connection = std::make_unique<net::Connection>(gate.env_.loop, std::move(socket), nullptr,
                                                         gate.env_.scratch, end);
      end.connection->Start();
    }
    // As a network does: both ends see the other one gone.
    void Close() {
      for (End* end : {&child, &parent}) {
        if (end->connection) end->connection->Close(base::Fail(base::Code::kUnavailable, "cut"));
      }
    }
    Gate& gate;
    End child;
    End parent;
    std::unique_ptr<net::Dial> dial;
  };

  LinkEnv& env_;
  std::uint16_t to_;
  bool stalled_ = false;
  net::Listener listener_;
  std::list<std::unique_ptr<Pair>> pairs_;
};

}  // namespace postern::link
