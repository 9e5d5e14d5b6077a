// Connection: a TCP stream on a loop, with or without TLS, that pulls what it sends.
//
// The user hands over no bytes to keep: it says WantWrite, and is asked (OnFill) when the socket
// has room, once for all that a turn of the loop produced. So answers of one turn become one write,
// and what a slow peer does not take stays where it is counted.
//
// Threads: loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/loop.h"
#include "lib/base/result.h"
#include "lib/net/socket.h"
#include "lib/pki/tls_session.h"

namespace postern::net {

// Buffers that all connections of a loop share: an idle connection owns none.
struct Scratch {
  std::vector<char> received = std::vector<char>(256 * 1024);
  std::vector<char> plain = std::vector<char>(64 * 1024);
  std::string unsent;
  std::string sealed;
};

class Connection final : private base::FdHandler {
 public:
  // Called by a connection. None of these may destroy it; Close is allowed everywhere.
  class User {
   public:
    // The stream is usable: at once without TLS, after the handshake with it. Nothing of the peer
    // is verified yet.
    virtual void OnOpen() = 0;
    virtual void OnBytes(std::string_view bytes) = 0;
    // Appends what shall be sent, about `most` bytes at once.
    virtual void OnFill(std::string& out, std::size_t most) = 0;
    // The last call. Destroy the connection after it, from a task of your own.
    virtual void OnClosed(const base::Error& why) = 0;

   protected:
    ~User() = default;
  };

  // Takes a connected socket. `tls` is null for a plain stream. `scratch` and `user` outlive it.
  Connection(base::Loop& loop, Fd socket, std::unique_ptr<pki::TlsSession> tls, Scratch& scratch,
             User& user);
  ~Connection();

  // Starts: a TLS client sends its first flight. Not in the constructor, so that `user` is ready.
  void Start();
  // There is something to send: OnFill comes after this turn's events.
  void WantWrite();
  // Sends, after this turn's events, what waits already and at most four more fills, and only what
  // the socket takes at once; the rest is lost. Then says goodbye and closes. Reads no more.
  // OnClosed follows from a task, with this reason.
  void Close(const base::Error& why);

  bool open() const { return open_ && !leaving_; }
  const pki::TlsSession* tls() const { return tls_.get(); }
  pki::TlsSession* tls() { return tls_.get(); }
  // The socket takes less than there is to send.
  bool congested() const { return !pending_.empty(); }
  std::uint64_t bytes_received() const { return bytes_received_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  // When the peer was last heard.
  base::Instant last_heard() const { return last_heard_; }

 private:
  void OnReady(bool readable, bool writable) override;
  void Read();
  void Decrypt(std::string_view sealed);
  bool Handshake(std::string_view& sealed);
  void ScheduleFlush();
  void Flush();
  bool FillOnce();
  void Leave();
  void SayGoodbye();
  bool Send(std::string_view rest);
  void UpdateInterest();
  void CloseLater(const base::Error& why);

  base::Loop& loop_;
  Fd socket_;
  std::unique_ptr<pki::TlsSession> tls_;
  Scratch& scratch_;
  User& user_;
  std::string pending_;  // sealed bytes that the socket did not take: at most one fill
  std::size_t fill_;     // plain bytes to ask for at once
  std::optional<base::Error> leaving_;  // why Close was called
  bool open_ = false;
  bool closed_ = false;
  bool flush_scheduled_ = false;
  bool watched_writable_ = false;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
  base::Instant last_heard_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::net
