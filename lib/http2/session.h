// Session: one HTTP/2 connection without its socket, on nghttp2.
//
//   Session session(Session::Role::kServer, options, [] { return std::make_unique<Exchange>(); });
//   session.Receive(bytes);          // calls the streams
//   session.Fill(out, 64 * 1024);    // what wants to go to the peer
//
// A session never blocks and holds no body bytes of its own. It is not re-entered: streams may call
// Respond, Reset, ResumeBody and the like from their callbacks, but never Receive or Fill, and the
// session is not destroyed from within one.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/result.h"
#include "lib/http2/stream.h"

struct nghttp2_session;

namespace postern::http2 {

class Session {
 public:
  enum class Role : std::uint8_t { kClient, kServer };

  struct Options {
    std::uint32_t max_concurrent_streams = 128;  // what the peer may open
    // Receive windows. A stream's is opened again as its data is taken, or only by Widen: then it
    // bounds what a stream can make us hold before we decide to take its body.
    std::int32_t stream_window = 1 << 20;
    bool widen_by_hand = false;
    std::int32_t connection_window = 1 << 24;
    // HPACK tables cost memory for the life of a connection: 0 where it opens few streams.
    std::uint32_t header_table = 4096;
  };

  // Makes the stream of a request that the peer opens; null refuses it.
  using AcceptStream = std::function<std::unique_ptr<Stream>()>;

  Session(Role role, const Options& options, AcceptStream accept);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Handles bytes of the peer. kInvalid where the peer broke the protocol: send what Fill still
  // gives, then close. Most breaches show at the next Fill only, which says goodbye: Finished()
  // then, and ending().
  base::Status Receive(std::string_view bytes);
  // Appends output until `out` holds about `most` bytes or there is none.
  base::Status Fill(std::string& out, std::size_t most);
  bool WantsToSend() const;
  // True once the session neither sends nor expects anything: close the connection.
  bool Finished() const;
  // Why it is over: kInvalid where the peer broke the protocol, else kUnavailable.
  const base::Error& ending() const { return ending_; }

  // Opens a stream (client role). With `has_body` the stream is asked for it by OnOffer.
  // kUnavailable where no stream is left on this connection.
  base::Status Request(std::unique_ptr<Stream> stream, Fields headers, bool has_body);
  // Answers a stream (server role).
  void Respond(Stream& stream, Fields headers, bool has_body);
  // A stream whose last offer was kWait has something again.
  void ResumeBody(Stream& stream);
  void Reset(Stream& stream, ErrorCode code);
  // Lets the peer send `bytes` more on this stream. Requires Options::widen_by_hand, `bytes` > 0,
  // and that the window stays below 2^31.
  void Widen(Stream& stream, std::int32_t bytes);
  // Lets open streams finish, refuses new ones, tells the peer.
  void GoAway();

  bool peer_is_leaving() const { return peer_is_leaving_; }
  std::size_t stream_count() const { return streams_.size(); }

 private:
  struct Callbacks;
  Stream* Find(StreamId id);
  void Close(StreamId id, ErrorCode code);
  void OnGoAway(std::uint32_t code);

  const Role role_;
  AcceptStream accept_;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  nghttp2_session* session_ = nullptr;
  std::string* out_ = nullptr;  // where Fill's callbacks append
  std::size_t most_ = 0;
  bool widen_by_hand_;
  bool peer_is_leaving_ = false;
  base::Error ending_;
};

}  // namespace postern::http2
