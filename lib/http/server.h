// Server: a small HTTP/1.1 server on a thread of its own, for pages and probes.
//
// Not for data, and without TLS: those are lib/http2 and lib/rpc. Whatever a client does, it holds
// at most one connection's bytes for at most one timeout; what is refused gets an answer in words.
//
//   ASSIGN_OR_RETURN(auto server, Server::Start(*net::Listen(address), {}, &AnswerPage));
//   server->port();
//
// Destroying it stops it: no new connection, answers on their way get `grace`, then all are closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http/message.h"
#include "lib/net/socket.h"

namespace postern::http {

// Called on the server's thread, one request at a time: it must not wait, and it must not destroy
// the server.
using Handler = std::function<Response(const Request&)>;

// Threads: any.
class Server {
 public:
  struct Options {
    // Further connections wait in the kernel until one is closed.
    unsigned connections = 64;
    // Of these from one address; a further one is closed at once. 0: no bound of its own.
    unsigned connections_per_address = 0;
    // From the connection, or the end of its last answer, to the end of the next answer. A client
    // that sends byte by byte does not get longer.
    base::Duration timeout = std::chrono::seconds(10);
    // What the head of a request may take; a longer one is 431, or 414 where it is the path.
    std::size_t head_bytes = std::size_t{16} * 1024;
    // A longer body is 413.
    std::size_t body_bytes = std::size_t{64} * 1024;
    base::Duration grace = std::chrono::milliseconds(500);
  };

  // `socket` listens already. kInternal: the library did not start.
  static base::Result<std::unique_ptr<Server>> Start(net::Fd socket, const Options& options,
                                                     Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The port that it listens on.
  std::uint16_t port() const { return port_; }

 private:
  class Worker;
  Server(std::unique_ptr<Worker> worker, std::uint16_t port);

  const std::unique_ptr<Worker> worker_;
  const std::uint16_t port_;
};

}  // namespace postern::http
